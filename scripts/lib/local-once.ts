import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Ending } from "./local-ending.ts";
import type { World } from "./world.ts";

/**
 * Runs a command line in a shell, with the terminal of this process, and gives back its exit code. A
 * signal to this process ends it.
 */
export async function runOnce(
  { root, env }: World,
  commandLine: string,
  environment: Readonly<Record<string, string>>,
  until: Ending,
): Promise<number> {
  const child = spawn(commandLine, {
    cwd: root,
    env: { ...env, ...environment },
    shell: true,
    stdio: "inherit",
  });
  void until.came.then(() => child.kill("SIGTERM"));
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      resolve(code ?? 128 + constants.signals[signal ?? "SIGTERM"]),
    );
  });
}
