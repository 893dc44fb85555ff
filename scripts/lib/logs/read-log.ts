import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import type { Session } from "../cloud/session.ts";
import { unlessAborted } from "../shell/interrupt.ts";
import { findLogGroup } from "./log-group.ts";
import { type LogPage, readPage, type TimeSpan } from "./log-page.ts";
import type { LogQuery } from "./log-query.ts";

/** The shortest time that is read: lines that are closer cannot be told apart by it. */
const SHORTEST_MS = 2;
/** Whether either end belongs to the time is not documented, so the next one begins before the end. */
const OVERLAP_MS = 1;
/** A page of so few lines is followed by one of a longer time. */
const FEW = 250;
const POLL_MS = 2000;
/** How much later than it was written a line may appear while the log is followed. */
const LATE_MS = 60_000;
/** Clocks differ: what is written now may have a time to come. */
const AHEAD_MS = 60 * 60_000;
/** A call that fails while the log is followed is repeated; the fifth in a row ends it. */
const PATIENCE = 5;

/** What is read of a stage's log. */
export interface ReadOptions extends LogQuery {
  /** Milliseconds since the epoch, as all times here. */
  readonly since: number;
  /** @default - now */
  readonly until?: number;
  /** Goes on with what is written from then on, until `signal` aborts. @default false */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * The lines of a stage's log, each once, the oldest first; while it is followed, a line that comes late
 * comes out of order. Stack `app` was initialized.
 *
 * Only what one call gives is held in memory, and what was given of the last minute.
 */
export async function* readLog(session: Session, options: ReadOptions): AsyncGenerator<LogEntry> {
  const { since, until = session.system.now(), follow = false } = options;
  const { signal = new AbortController().signal } = options;
  const group = await findLogGroup(session);
  const reader = new LogReader(session, (span) => readPage(session, group, span, options));
  yield* reader.read({ from: since, to: until }, signal);
  let failures = 0;
  while (follow && !signal.aborted) {
    await session.system.sleep(POLL_MS, signal);
    const from = Math.max(since, reader.late);
    const to = Math.max(session.system.now(), from) + AHEAD_MS;
    try {
      yield* reader.read({ from, to }, signal);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === PATIENCE) throw error;
    }
  }
}

class LogReader {
  private readonly session: Session;
  /** The latest time of a line. */
  private latest = 0;
  private readonly call: (span: TimeSpan) => Promise<LogPage>;
  /** Lines that were given, with their times. */
  private readonly given = new Map<string, number>();

  constructor(session: Session, call: (span: TimeSpan) => Promise<LogPage>) {
    this.session = session;
    this.call = call;
  }

  /** Lines of this time and later may still appear. */
  get late(): number {
    return Math.min(this.latest, this.session.system.now()) - LATE_MS;
  }

  /** Reads in steps that are as long as a call can answer in full. */
  async *read({ from, to }: TimeSpan, signal: AbortSignal): AsyncGenerator<LogEntry> {
    let step = to - from;
    for (let start = from; start < to && !signal.aborted; ) {
      const span = { from: Math.max(from, start - OVERLAP_MS), to: Math.min(to, start + step) };
      const page = await unlessAborted(signal, this.call(span));
      if (!page) return;
      const { entries, whole } = page;
      const length = span.to - start;
      if (!whole && length > SHORTEST_MS) {
        step = Math.max(SHORTEST_MS, Math.ceil(length / 2));
        continue;
      }
      if (!whole) this.tellLoss(start);
      yield* entries.filter((entry) => this.isNew(entry));
      this.forget();
      start = span.to;
      if (entries.length < FEW) step = Math.max(step, length) * 2;
    }
  }

  private isNew({ uid, timestamp }: LogEntry): boolean {
    if (this.given.has(uid)) return false;
    const at = Date.parse(timestamp);
    this.given.set(uid, at);
    this.latest = Math.max(this.latest, at);
    return true;
  }

  private forget(): void {
    for (const [uid, at] of this.given) {
      if (at < this.late - OVERLAP_MS) this.given.delete(uid);
    }
  }

  private tellLoss(at: number): void {
    this.session.system.warn(
      `More lines were written at ${new Date(at).toISOString()} than can be read: some are missing. Ask for fewer, e.g. with --container or --level.`,
    );
  }
}
