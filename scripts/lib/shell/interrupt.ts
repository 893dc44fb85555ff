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

  constructor(signal: Signal) {
    super("Interrupted. Run the same command again to finish.");
    this.signal = signal;
    this.exitCode = 128 + constants.signals[signal];
  }
}

const running = new Set<ChildProcess>();
let received: Interrupted | undefined;
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
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stopWanted) return stopWanted(new Interrupted(signal));
      if (received) return;
      received = new Interrupted(signal);
      for (const child of running) child.kill(signal);
      if (running.size === 0) end(received);
    });
  }
}

/**
 * For a command that runs until somebody stops it: from now on a signal calls `stop`, possibly more
 * than once, and does nothing else. A terminal that is closed stops it too.
 */
export function stopBySignal(stop: (interrupted: Interrupted) => void): void {
  stopWanted = stop;
  process.on("SIGHUP", () => stop(new Interrupted("SIGTERM")));
}

/** Resolves when a signal to abort comes, or has come. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Has a tool get the signals of this process, until the returned function is called. */
export function passSignals(child: ChildProcess): () => void {
  running.add(child);
  return () => void running.delete(child);
}
