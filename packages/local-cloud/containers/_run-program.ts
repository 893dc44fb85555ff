import { OwnedProcess } from "./_owned-process.ts";

/** How a program ended that was waited for. */
export interface Ended {
  /** 127 when there is no such program. */
  readonly code: number;
  readonly lines: readonly string[];
}

export interface RunOptions {
  /** @default - this process's own */
  readonly cwd?: string;
  /** @default - this process's own */
  readonly env?: NodeJS.ProcessEnv;
  readonly onLine?: (line: string) => void;
  /** Kills the program. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end; its standard output and error are taken together. */
export async function run(
  program: string,
  args: readonly string[],
  { cwd = ".", env = process.env, onLine, signal }: RunOptions = {},
): Promise<Ended> {
  const lines: string[] = [];
  const command = { program, args, cwd, env: env as Record<string, string> };
  const owned = new OwnedProcess(command, (line) => {
    lines.push(line);
    onLine?.(line);
  });
  const kill = () => owned.kill();
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted) kill();
  const { code } = await owned.ended;
  signal?.removeEventListener("abort", kill);
  return { code, lines };
}
