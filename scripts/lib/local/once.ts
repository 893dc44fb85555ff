import { spawn } from "node:child_process";
import { constants } from "node:os";
import { aborted, Interrupted } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";

/** @throws UserError when containers are down: the command would only find out what is known */
export function refuseDown(containers: readonly string[]): void {
  if (containers.length === 0) return;
  throw new UserError(`${containers.join(" and ")} did not start, so the command was not run.`);
}

/** What to run: a line for a shell, or the words of a command. */
export interface OwnCommand {
  readonly words: readonly string[];
  readonly shell: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a command with the terminal of this process, and returns its exit code. A signal to this
 * process ends it, and determines the exit code then.
 */
export async function runOnce(
  { interactive }: Pick<System, "interactive">,
  { words, shell, cwd, env }: OwnCommand,
  signal: AbortSignal,
): Promise<number> {
  const [program = "", ...args] = words;
  const child = spawn(program, args, {
    ...{ cwd, env, shell },
    stdio: "inherit",
    // A group of its own, so that what the shell has started ends with it. A terminal has one group
    // in front, which must hold the command, and interrupts all of it by itself.
    detached: !interactive,
  });
  void aborted(signal).then(() => {
    if (interactive || child.pid === undefined) child.kill("SIGTERM");
    else endGroup(child.pid);
  });
  return await new Promise((resolve, reject) => {
    child.on("error", ({ message }) =>
      reject(new UserError(`${program} could not be run in ${cwd}: ${message}.`)),
    );
    child.on("exit", (code, killedBy) => {
      const { reason } = signal;
      if (reason instanceof Interrupted) resolve(reason.exitCode);
      else resolve(code ?? 128 + constants.signals[killedBy ?? "SIGTERM"]);
    });
  });
}

function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGTERM");
  } catch {
    // It has ended already.
  }
}
