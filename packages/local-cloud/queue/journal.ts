import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { QueueSpec } from "../stack/blueprint.ts";
import { makePrivateFolder, openRecords, type RecordFile } from "../support/record-file.ts";
import type { Message } from "./message.ts";

/** A message without what follows from the time of day. */
export type StoredMessage = Omit<Message, "state" | "hiddenIndex">;

/** Whatever happens to queues and messages, in order. */
export type JournalRecord =
  | readonly ["queue", spec: QueueSpec, createdAt: number]
  | readonly ["drop", queue: string, at: number]
  | readonly ["purge", queue: string]
  | readonly ["send", queue: string, message: StoredMessage]
  | readonly ["receive", queue: string, sequence: number, count: number, at: number, until: number]
  | readonly ["hide", queue: string, sequence: number, until: number]
  | readonly ["delete", queue: string, sequence: number]
  | readonly ["move", queue: string, sequence: number, to: string, message: StoredMessage]
  | readonly ["once", queue: string, id: string, messageId: string, sequence: number, at: number];

/** What outlives the process. */
export interface Journal {
  /** What was written before, in order. */
  readonly kept: readonly JournalRecord[];
  /** Whether most of what was written no longer matters. */
  readonly isBloated: boolean;
  /** Whether the disk has refused something, and has not taken it since. */
  readonly isBehind: boolean;
  append(record: JournalRecord): void;
  /** Resolves when everything that was appended so far is on the disk. Tries again what it refused. */
  flushed(): Promise<void>;
  /** Puts these records, which say the same, in place of all that were written so far. */
  compact(records: Iterable<JournalRecord>): void;
  /** Writes what is left and lets others open the folder. */
  close(): Promise<void>;
}

const FILE = "queues.jsonl";
const LOCK = "queues.lock";
const BLOATED_BYTES = 16 * 1024 * 1024;

/**
 * Opens the journal in a folder, which is made if need be. One process at a time can have it. A last
 * line that a crash has cut is left out: nobody was told that it is kept.
 */
export async function openJournal(directory: string): Promise<Journal> {
  makePrivateFolder(directory);
  const lockFile = join(directory, LOCK);
  lock(lockFile);
  try {
    const records = await openRecords(join(directory, FILE));
    return new FileJournal(lockFile, records, (await records.read()) as JournalRecord[]);
  } catch (error) {
    rmSync(lockFile, { force: true });
    throw error;
  }
}

class FileJournal implements Journal {
  readonly kept: readonly JournalRecord[];
  private readonly lockFile: string;
  private readonly records: RecordFile;
  /** The length at which it is bloated. */
  private limit = BLOATED_BYTES;

  constructor(lockFile: string, records: RecordFile, kept: readonly JournalRecord[]) {
    this.lockFile = lockFile;
    this.records = records;
    this.kept = kept;
  }

  get isBloated(): boolean {
    return this.records.bytes > this.limit && !this.records.isReplaced;
  }

  get isBehind(): boolean {
    return this.records.isBehind;
  }

  append(record: JournalRecord): void {
    this.records.append(record);
  }

  flushed(): Promise<void> {
    return this.records.committed();
  }

  compact(records: Iterable<JournalRecord>): void {
    const grow = () => {
      this.limit = Math.max(BLOATED_BYTES, 4 * this.records.bytes);
    };
    this.records.replace(records).then(grow, grow);
  }

  async close(): Promise<void> {
    try {
      await this.records.close();
    } finally {
      rmSync(this.lockFile, { force: true });
    }
  }
}

function lock(file: string): void {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const owner = Number(readFileSync(file, "utf8"));
    if (owner !== process.pid && isRunning(owner)) {
      throw new Error(
        `${file}: process ${owner} uses this folder. Stop it, or choose another folder; if it is no local cloud, remove the file.`,
      );
    }
    writeFileSync(file, String(process.pid));
  }
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
