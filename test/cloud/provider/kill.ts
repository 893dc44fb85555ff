import { execFileSync } from "node:child_process";

/** A provider that terraform has started, and terraform itself. */
export interface ProviderProcess {
  readonly pid: number;
  readonly ppid: number;
}

let serving: ProviderProcess = process;

/** For the length of `body`, this process stands for one that has asked a host for its provider. */
export function servingFor<T>(started: ProviderProcess, env: NodeJS.ProcessEnv, body: () => T): T {
  const before = { serving, env: process.env };
  serving = started;
  process.env = env;
  try {
    return body();
  } finally {
    serving = before.serving;
    process.env = before.env;
  }
}

/**
 * Ends terraform and its provider as want of memory or of power does, and before them, when asked,
 * what has started terraform. Never returns.
 */
export function killRun(caller: boolean): never {
  const { pid, ppid: terraform } = serving;
  if (caller) process.kill(parentOf(terraform), "SIGKILL");
  process.kill(terraform, "SIGKILL");
  process.kill(pid, "SIGKILL");
  throw new Error("killed");
}

function parentOf(pid: number): number {
  return Number(execFileSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" }));
}
