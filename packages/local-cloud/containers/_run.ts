import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How a program ended that was waited for. */
export interface Ended {
  /** 127 when there is no such program. */
  readonly code: number;
  readonly lines: readonly string[];
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly onLine?: (line: string) => void;
}

/** Runs a program to its end; its standard output and error are taken together. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env, onLine }: RunOptions = {},
): Promise<Ended> {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => {
      lines.push(line);
      onLine?.(line);
    });
  }
  return new Promise((done) => {
    child.on("error", () => done({ code: 127, lines }));
    child.on("close", (code) => done({ code: code ?? 1, lines }));
  });
}
