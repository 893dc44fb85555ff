import { type Clock, realClock } from "../support/clock.ts";
import { type Journal, openJournal } from "../support/journal.ts";
import { Engine, type ItemChange } from "./_engine.ts";
import { Expiry } from "./_expiry.ts";
import { shorten, type TableRecord } from "./_records.ts";

const SWEEP_MS = 1000;

/** Where and how the tables are kept. */
export interface StoreOptions {
  readonly clock?: Clock;
  /** Folder of the journal that keeps the tables. Without it they are gone with the process. */
  readonly directory?: string;
  /** Learns what has been accepted. */
  readonly accepted: (record: TableRecord) => void;
}

/** What one request does: its answer, and what it has changed in the engine. */
interface Acceptance<T> {
  readonly output: T;
  readonly record: TableRecord;
}

/**
 * The tables as they are in memory and, with a journal, on the disk. Items that have expired are
 * deleted within two seconds.
 */
export class TableStore {
  readonly engine = new Engine();
  readonly expiry = new Expiry();
  private readonly options: StoreOptions;
  private readonly clock: Clock;
  private readonly journal: Journal<TableRecord> | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private stopSweeping: () => void = () => {};
  private isClosed = false;

  /** Opens the tables that are kept, or none. */
  static async open(options: StoreOptions): Promise<TableStore> {
    const { directory } = options;
    const journal =
      directory === undefined ? undefined : await openJournal<TableRecord>(directory, "tables");
    const store = new TableStore(options, journal);
    await store.restore();
    store.sweepLater();
    return store;
  }

  private constructor(options: StoreOptions, journal: Journal<TableRecord> | undefined) {
    this.options = options;
    this.clock = options.clock ?? realClock;
    this.journal = journal;
  }

  /** Does what changes the tables, one at a time. The change is on the disk when this resolves. */
  async accept<T>(work: () => Promise<Acceptance<T>>): Promise<T> {
    const { output, record } = await this.alone(async () => {
      // What would be refused in the end must not have happened.
      if (this.journal?.isBehind) await this.journal.flushed();
      const done = await work();
      await this.note(done.record);
      this.journal?.append(done.record);
      if (this.journal?.isBloated) this.journal.compact(shorten(await this.journal.read()));
      return done;
    });
    await this.journal?.flushed();
    this.options.accepted(record);
    return output;
  }

  /** Waits for what is under way, and lets others open the journal. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.stopSweeping();
    await this.last;
    await this.journal?.close();
    await this.engine.close();
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => {});
    return result;
  }

  /** What follows from a change for the expiry of items. */
  private async note(record: TableRecord): Promise<void> {
    if (record.type === "dropped") this.expiry.disable(record.table);
    if (record.type === "items") this.expiry.note(record.changes);
    if (record.type !== "expiry") return;
    this.expiry.disable(record.table);
    if (record.attribute === undefined) return;
    this.expiry.enable(record.table, record.attribute);
    this.expiry.note(await this.engine.items(record.table));
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
      return { output: undefined, record: { type: "items", changes } };
    });
  }

  private due(): ItemChange[] {
    return this.expiry.due(this.clock.now());
  }

  private async restore(): Promise<void> {
    if (this.journal === undefined) return;
    const records = shorten(this.journal.kept);
    const changes: ItemChange[] = [];
    for (const record of records) {
      if (record.type === "table") await this.engine.putTable(record.description);
      if (record.type === "items") changes.push(...record.changes);
      else await this.note(record);
    }
    await this.engine.write(changes);
    this.expiry.note(changes);
    if (this.journal.kept.length > 2 * records.length) this.journal.compact(records);
  }
}
