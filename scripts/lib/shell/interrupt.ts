import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { UserError } from "./user-error.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

type Signal = (typeof SIGNALS)[number];

/** This process was asked to stop. */
export class Interrupted extends UserError {
  /** As a shell reports a process that a signal has ended. */
  readonly exitCode: number;
  readonly signal: Signal;

  constructor(signal: Signal, message = "Interrupted. Run the same command again to finish.") {
    super(message);
    this.signal = signal;
    this.exitCode = 128 + constants.signals[signal];
  }
}

const running = new Set<ChildProcess>();
let received: Interrupted | undefined;
let receive: ((signal: Signal) => void) | undefined;
let stopWanted: ((interrupted: Interrupted) => void) | undefined;

/** Set once a signal was received. */
export function interruption(): Interrupted | undefined {
  return received;
}

/**
 * From now on a signal waits for the tools that run, so that terraform can write its state; `end` is
 * called when there are none. Each tool gets the signal once (npm sends it again after the terminal
 * has): at the second one terraform would drop everything.
 */
export function handleInterrupts(end: (interrupted: Interrupted) => void): void {
  receive = (signal) => {
    if (stopWanted) return stopWanted(new Interrupted(signal));
    if (received) return;
    received = new Interrupted(signal);
    for (const child of running) child.kill(signal);
    if (running.size === 0) end(received);
  };
  for (const signal of SIGNALS) process.on(signal, receive);
}

/**
 * A signal that has ended a tool is one to this process too: a terminal sends it to both, and the end
 * of the tool may be seen first.
 */
export function endedBy(signal: NodeJS.Signals | null): void {
  if (signal === "SIGINT" || signal === "SIGTERM") receive?.(signal);
}

/**
 * For a command that runs until somebody stops it: from now on a signal calls `stop`, possibly more
 * than once, and does nothing else. A terminal that is closed stops it too.
 */
export function stopBySignal(stop: (interrupted: Interrupted) => void): void {
  stopWanted = stop;
  process.on("SIGHUP", () => stop(new Interrupted("SIGTERM")));
}

/** From now on a signal to this process aborts what is returned, and does nothing else. */
export function stopOnSignal(): AbortController {
  const stop = new AbortController();
  stopBySignal((interrupted) => stop.abort(interrupted));
  return stop;
}

/** As {@link stopOnSignal}, and when nobody reads any more what this process prints, as after `| head`. */
export function stopWithReader(): AbortController {
  const stop = stopOnSignal();
  process.stdout.on("error", () => stop.abort());
  return stop;
}

/** Resolves when a signal to abort comes, or has come. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** What a promise resolves to; `undefined` as soon as a signal aborts, whatever becomes of it then. */
export async function unlessAborted<T>(
  signal: AbortSignal,
  promise: Promise<T>,
): Promise<T | undefined> {
  const settled = new AbortController();
  const abort = signal.aborted
    ? Promise.resolve()
    : once(signal, "abort", { signal: settled.signal }).catch(() => {});
  try {
    return (await Promise.race([promise, abort.then(() => undefined)])) as T | undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    settled.abort();
  }
}

/** Has a tool get the signals of this process, until the returned function is called. */
export function passSignals(child: ChildProcess): () => void {
  running.add(child);
  return () => void running.delete(child);
}
