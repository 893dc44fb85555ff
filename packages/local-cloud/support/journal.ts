import { join } from "node:path";
import { lockData, type Unlock } from "./lock.ts";
import { makePrivateFolder, openRecords, type RecordFile } from "./record-file.ts";

/** A journal is rewritten once it is this long, and four times as long as after the last time. */
const BLOATED_BYTES = 16 * 1024 * 1024;
const GROWTH = 4;

/** Everything that happens to what has to outlive the process, in order. */
export class Journal<T> {
  /** What was written before it was opened. */
  kept: readonly T[] = [];
  private readonly records: RecordFile;
  private readonly unlock: Unlock;
  /** The length at which it is bloated. */
  private limit = BLOATED_BYTES;

  constructor(records: RecordFile, unlock: Unlock) {
    this.records = records;
    this.unlock = unlock;
  }

  /** Whether most of what was written no longer matters. */
  get isBloated(): boolean {
    return this.records.bytes > this.limit && !this.records.isReplaced;
  }

  /** Whether the disk has rejected something, and has not taken it since. */
  get isBehind(): boolean {
    return this.records.isBehind;
  }

  append(record: T): void {
    this.records.append(record);
  }

  /** Resolves when everything that was appended so far is on the disk. Tries again what it rejected. */
  flushed(): Promise<void> {
    return this.records.committed();
  }

  /** All that was written so far. */
  async read(): Promise<readonly T[]> {
    await this.flushed();
    // What this program has appended, now or in an earlier run.
    return (await this.records.read()) as T[];
  }

  /** Replaces everything written so far by these records, which amount to the same. */
  compact(records: Iterable<T>): void {
    const grow = () => {
      this.limit = Math.max(BLOATED_BYTES, GROWTH * this.records.bytes);
    };
    this.records.replace(records).then(grow, grow);
  }

  /** Writes what is left and lets others open the journal. */
  async close(): Promise<void> {
    try {
      await this.records.close();
    } finally {
      this.unlock();
    }
  }
}

/**
 * Opens the journal of a name in a folder, which is created where it is missing. One process at
 * a time can have it. A last line that a crash has truncated is left out: nobody was told that it is
 * kept.
 */
export async function openJournal<T>(directory: string, name: string): Promise<Journal<T>> {
  makePrivateFolder(directory);
  const unlock = lockData(join(directory, `${name}.lock`));
  try {
    const records = await openRecords(join(directory, `${name}.jsonl`));
    const journal = new Journal<T>(records, unlock);
    journal.kept = await journal.read();
    return journal;
  } catch (error) {
    unlock();
    throw error;
  }
}
