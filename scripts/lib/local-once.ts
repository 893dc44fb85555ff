import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Ending } from "./local-ending.ts";
import { UserError } from "./user-error.ts";
import type { World } from "./world.ts";

/** @throws UserError when containers are down: the command would only find out what is known */
export function refuseDown(containers: readonly string[]): void {
  if (containers.length === 0) return;
  throw new UserError(`${containers.join(" and ")} did not start, so the command was not run.`);
}

/**
 * Runs a command line in a shell, with the terminal of this process, and gives back its exit code. A
 * signal to this process ends it, and decides about the exit code then.
 */
export async function runOnce(
  { root, env, interactive }: World,
  commandLine: string,
  environment: Readonly<Record<string, string>>,
  until: Ending,
): Promise<number> {
  const child = spawn(commandLine, {
    cwd: root,
    env: { ...env, ...environment },
    shell: true,
    stdio: "inherit",
    // A group of its own, so that what the shell has started ends with it. A terminal has one group
    // in front, which must hold the command, and interrupts all of it by itself.
    detached: !interactive,
  });
  let exitCode: number | undefined;
  void until.came.then((interrupted) => {
    exitCode = interrupted?.exitCode;
    if (interactive || child.pid === undefined) child.kill("SIGTERM");
    else endGroup(child.pid);
  });
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      resolve(exitCode ?? code ?? 128 + constants.signals[signal ?? "SIGTERM"]),
    );
  });
}

function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGTERM");
  } catch {
    // It has ended already.
  }
}
