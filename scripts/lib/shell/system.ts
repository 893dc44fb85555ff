/** What one process answered. */
export interface ProcessResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process is run. */
export interface ProcessOptions {
  /** The whole environment of the process. */
  readonly env: Environment;
  /** Goes to standard input, which is closed otherwise. */
  readonly input?: string;
  /** Seconds after which the process is killed and counts as failed. @default - no limit */
  readonly timeoutSeconds?: number;
  /**
   * File that takes both output streams, relative to the project. A process that writes to a file
   * outlives this one, so that a killed deploy does not cut an apply short; for the same reason it
   * gets the signals of this one's group from this one only.
   */
  readonly logFile?: string;
  /** Is given the output line by line while it comes. */
  readonly onLine?: (line: string) => void;
}

/** What is asked for, and how. */
export interface FetchInit extends RequestInit {
  /** Wait as long as it takes: Node gives up after five minutes without an answer. @default false */
  readonly patient?: boolean;
}

/** Variables of a process, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Exit code of a command that is not installed. */
export const NOT_FOUND = 127;

/** Exit code of a command that was killed because it took too long. */
export const TIMED_OUT = 124;

/** Everything outside the process. Tests pass their own. */
export interface System {
  /** Runs a command without a shell. A failure is an answer, not an exception. */
  run(command: string, args: readonly string[], options: ProcessOptions): Promise<ProcessResult>;
  fetch(url: string, init?: FetchInit): Promise<Response>;
  /** One line for the user, on standard output. */
  say(text: string): void;
  /** One line for the user that is not part of the result, on standard error. */
  warn(text: string): void;
  /** A line typed by the user. */
  ask(question: string): Promise<string>;
  /** Shorter when the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  now(): number;
  readonly env: Environment;
  /** Whether a person sits at a terminal. */
  readonly interactive: boolean;
  /** The project's folder. */
  readonly root: string;
  /** Tells this run from all others, and sorts by time. */
  readonly runId: string;
}

/** A time as digits that sort: 20260102030405. */
export function digitsOf(time: number): string {
  return new Date(time).toISOString().replace(/\D/g, "").slice(0, 14);
}
