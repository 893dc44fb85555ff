import { OwnedProcess } from "./owned-process.ts";

/** How a program ended that was waited for. */
export interface ProgramResult {
  /** 127 when there is no such program, above 128 after a signal. */
  readonly code: number;
  /** Standard output and error, as they came. */
  readonly lines: readonly string[];
}

/** Where a program runs, and who hears of it. */
export interface ProgramOptions {
  /** @default - this process's own */
  readonly cwd?: string;
  /** All of it: nothing is inherited. @default - this process's own */
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each line as it comes. */
  readonly onLine?: (line: string) => void;
  /** Kills the program. */
  readonly signal?: AbortSignal | undefined;
}

const LAST_LINES = 20;

/** Runs a program to its end. Never rejects: the code tells. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd = ".", env = process.env, onLine, signal }: ProgramOptions = {},
): Promise<ProgramResult> {
  const lines: string[] = [];
  const owned = new OwnedProcess({ program, args, cwd, env: definedIn(env) }, (line) => {
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

function definedIn(env: NodeJS.ProcessEnv): Record<string, string> {
  const own = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(own);
}

/** A sentence, and below it the last 20 lines that say something. */
export function withLastLines(sentence: string, lines: readonly string[]): string {
  const last = lines.filter((line) => line.trim() !== "").slice(-LAST_LINES);
  return [`${sentence} Its last lines:`, ...last.map((line) => `  ${line}`)].join("\n");
}
