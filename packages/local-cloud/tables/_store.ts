import { type Clock, realClock } from "../support/clock.ts";
import { openRecords, type RecordFile } from "../support/record-file.ts";
import { type Change, Engine } from "./_engine.ts";
import { Expiry } from "./_expiry.ts";
import { type Entry, replay, sizeOf, summarize } from "./_state.ts";

const SWEEP_MS = 1000;
/** A journal is shortened once it has doubled and grown by so much. */
const SLACK_BYTES = 16 * 1024 * 1024;

export interface StoreOptions {
  readonly clock?: Clock;
  /** The journal that keeps the tables. Without it they are gone with the process. */
  readonly file?: string;
  /** Learns what has been accepted. */
  readonly accepted: (entry: Entry) => void;
}

/** What one request does: its answer, and what it has changed in the engine. */
export interface Outcome<T> {
  readonly output: T;
  readonly entry: Entry;
}

/**
 * The tables as they are in memory and, with a journal, on the disk. Items that have expired are
 * deleted within two seconds.
 */
export class Store {
  readonly engine = new Engine();
  readonly expiry = new Expiry();
  private readonly options: StoreOptions;
  private readonly clock: Clock;
  private readonly journal: RecordFile | undefined;
  /** The length at which the journal is shortened, in bytes. */
  private limit = 0;
  private last: Promise<unknown> = Promise.resolve();
  private stopSweeping: () => void = () => {};
  private isClosed = false;

  static async open(options: StoreOptions): Promise<Store> {
    const { file } = options;
    const store = new Store(options, file === undefined ? undefined : await openRecords(file));
    await store.restore();
    store.sweepLater();
    return store;
  }

  private constructor(options: StoreOptions, journal: RecordFile | undefined) {
    this.options = options;
    this.clock = options.clock ?? realClock;
    this.journal = journal;
  }

  /** Nothing else that changes the tables goes on at the same time. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => {});
    return result;
  }

  /** Does what changes the tables. The change is on the disk when this resolves. */
  async accept<T>(work: () => Promise<Outcome<T>>): Promise<T> {
    const { output, entry } = await this.alone(async () => {
      // What would be refused in the end must not have happened.
      if (this.journal?.isBehind) await this.journal.committed();
      const outcome = await work();
      await this.note(outcome.entry);
      this.journal?.append(outcome.entry);
      if (this.journal && this.journal.bytes > this.limit) await this.shorten(this.journal);
      return outcome;
    });
    await this.journal?.committed();
    this.options.accepted(entry);
    return output;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.stopSweeping();
    await this.last;
    await this.journal?.close();
    await this.engine.close();
  }

  private async note(entry: Entry): Promise<void> {
    if (entry.type === "dropped") this.expiry.disable(entry.table);
    if (entry.type === "items") this.expiry.note(entry.changes);
    if (entry.type !== "expiry") return;
    this.expiry.disable(entry.table);
    if (entry.attribute === undefined) return;
    this.expiry.enable(entry.table, entry.attribute);
    this.expiry.note(await this.engine.items(entry.table));
  }

  private sweepLater(): void {
    if (this.isClosed) return;
    this.stopSweeping = this.clock.setTimer(this.clock.now() + SWEEP_MS, () => {
      // Whoever writes learns that the disk takes nothing; what is due is due the next time too.
      void this.sweep()
        .catch(() => {})
        .then(() => this.sweepLater());
    });
  }

  private async sweep(): Promise<void> {
    if (this.due().length === 0) return;
    await this.accept(async () => {
      const changes = this.due();
      await this.engine.write(changes);
      return { output: undefined, entry: { type: "items", changes } };
    });
  }

  private due(): Change[] {
    return this.expiry.due(this.clock.now());
  }

  private async restore(): Promise<void> {
    if (!this.journal) return;
    const { tables, expiry, items } = await this.shorten(this.journal);
    for (const table of tables) await this.engine.putTable(table);
    for (const [table, attribute] of expiry) this.expiry.enable(table, attribute);
    await this.engine.write(items);
    this.expiry.note(items);
  }

  /** Gives back what the journal amounts to. Does nothing where that is most of what it holds. */
  private async shorten(journal: RecordFile) {
    await journal.committed();
    const entries = (await journal.read()) as Entry[];
    const state = replay(entries);
    if (entries.length > 2 * sizeOf(state)) await journal.replace(summarize(state));
    this.limit = 2 * journal.bytes + SLACK_BYTES;
    return state;
  }
}
