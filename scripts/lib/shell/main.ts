import {
  type CommandDefinition,
  type Flag,
  type FlagValues,
  parseCommandLine,
  UsageError,
} from "./command-line.ts";
import { handleInterrupts, Interrupted, interruption } from "./interrupt.ts";
import { realSystem } from "./real-system.ts";
import type { System } from "./system.ts";
import { messageOf } from "./user-error.ts";

/** As when `| head -1` has seen enough: there is nobody left to tell. */
const READER_GONE = "EPIPE";
const SHOW_CURSOR = "\x1b[?25h";

/** Runs one command of the command line: parse, act, say what went wrong, set the exit code. */
export async function main<Flags extends Record<string, Flag>>(
  command: CommandDefinition<Flags>,
  act: (system: System, flags: FlagValues<Flags>, words: readonly string[]) => Promise<void>,
  argv: readonly string[] = process.argv.slice(2),
): Promise<void> {
  const system = realSystem();
  outliveReaders();
  handleInterrupts((interrupted) => {
    // The list of steps has hidden it.
    if (system.interactive) process.stdout.write(SHOW_CURSOR);
    system.warn(interrupted.message);
    process.exit(interrupted.exitCode);
  });
  try {
    const parsed = parseCommandLine(command, argv, system.env);
    if ("help" in parsed) system.say(parsed.help);
    else await act(system, parsed.flags, parsed.words);
  } catch (error) {
    // What an interrupted tool says is not an error of its own.
    const reason = interruption() ?? error;
    system.warn(describe(reason, Boolean(system.env.DEBUG)));
    process.exitCode = exitCodeOf(reason);
  }
}

function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== READER_GONE) throw error;
    });
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  return error instanceof UsageError ? 2 : 1;
}

function describe(error: unknown, debug: boolean): string {
  if (!debug || !(error instanceof Error)) return messageOf(error);
  const cause = error.cause ? `\ncaused by: ${describe(error.cause, true)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
