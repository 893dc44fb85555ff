import { OwnedProcess, type ProcessCommand, type ProcessEnd } from "../support/owned-process.ts";
import { withLastLines } from "../support/run-program.ts";

const READY = "database system is ready to accept connections";
const LAST_LINES = 20;
// A checkpoint of all that is in memory. Killed then, it repeats that work at the next start.
const GRACE_MS = 10_000;

/** A server that takes connections. */
export interface Postmaster {
  /** Resolves once it is gone. */
  readonly ended: Promise<ProcessEnd>;
}

/**
 * Resolves once the server takes connections.
 *
 * @param signal ends it, at any time
 * @throws Error with the server's last lines when it ends before
 */
export function startPostmaster(command: ProcessCommand, signal: AbortSignal): Promise<Postmaster> {
  return new Promise((ready, failed) => {
    const lines: string[] = [];
    const owned = new OwnedProcess(command, (line) => {
      lines.push(line);
      lines.splice(0, lines.length - LAST_LINES);
      if (!line.endsWith(READY)) return;
      // It ignores signals until then.
      if (signal.aborted) stop();
      else ready({ ended });
    });
    const stop = () => void owned.stop(GRACE_MS);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const ended = owned.ended.then((end) => {
      signal.removeEventListener("abort", stop);
      failed(new Error(withLastLines(`PostgreSQL ${end.text}.`, lines)));
      return end;
    });
  });
}
