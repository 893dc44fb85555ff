import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { QueueSpec } from "../stack/blueprint.ts";
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
  append(record: JournalRecord): void;
  /** Resolves when everything that was appended so far is on the disk. */
  flushed(): Promise<void>;
  /** Puts these records, which say the same, in place of all that were written so far. */
  compact(records: Iterable<JournalRecord>): void;
  /** Writes what is left and lets others open the folder. */
  close(): Promise<void>;
}

const FILE = "queues.jsonl";
const LOCK = "queues.lock";
const BLOATED_BYTES = 16 * 1024 * 1024;
const CHUNK_LINES = 1000;

/**
 * Opens the journal in a folder, which is made if need be. One process at a time can have it. A last
 * line that a crash has cut is left out: nobody was told that it is kept.
 */
export async function openJournal(directory: string): Promise<Journal> {
  mkdirSync(directory, { recursive: true });
  lock(join(directory, LOCK));
  const file = join(directory, FILE);
  const kept = existsSync(file) ? readRecords(readFileSync(file), file) : [];
  const journal = new FileJournal(directory, kept, await open(file, "a"));
  journal.compact(kept);
  await journal.flushed();
  return journal;
}

class FileJournal implements Journal {
  readonly kept: readonly JournalRecord[];
  private readonly directory: string;
  private handle: FileHandle;
  /** Lines that the next write takes along; whatever comes while the disk is busy joins it. */
  private batch: string[] | undefined;
  private last: Promise<void> = Promise.resolve();
  private bytes = 0;
  private bytesOnceCompact = 0;

  constructor(directory: string, kept: readonly JournalRecord[], handle: FileHandle) {
    this.directory = directory;
    this.kept = kept;
    this.handle = handle;
  }

  get isBloated(): boolean {
    return this.bytes > BLOATED_BYTES && this.bytes > 4 * this.bytesOnceCompact;
  }

  append(record: JournalRecord): void {
    if (this.batch === undefined) {
      const batch: string[] = [];
      this.batch = batch;
      this.enqueue(() => this.write(batch));
    }
    const line = lineOf(record);
    this.bytes += line.length;
    this.batch.push(line);
  }

  flushed(): Promise<void> {
    return this.last;
  }

  compact(records: Iterable<JournalRecord>): void {
    const lines = Array.from(records, lineOf);
    // Lines that were appended before still go where they would have gone: somebody waits for them.
    this.batch = undefined;
    this.bytes = lines.reduce((sum, line) => sum + line.length, 0);
    this.bytesOnceCompact = this.bytes;
    this.enqueue(() => this.replace(lines));
  }

  async close(): Promise<void> {
    await this.last;
    await this.handle.close();
    rmSync(join(this.directory, LOCK), { force: true });
  }

  /** After a failure nothing more is written, and all who wait are told: the disk may be full. */
  private enqueue(work: () => Promise<void>): void {
    this.last = this.last.then(work);
    this.last.catch(() => undefined);
  }

  private async write(batch: string[]): Promise<void> {
    if (this.batch === batch) this.batch = undefined;
    await this.handle.appendFile(batch.join(""));
    await this.handle.datasync();
  }

  private async replace(lines: readonly string[]): Promise<void> {
    const file = join(this.directory, FILE);
    const next = await open(`${file}.next`, "w");
    for (let at = 0; at < lines.length; at += CHUNK_LINES) {
      await next.appendFile(lines.slice(at, at + CHUNK_LINES).join(""));
    }
    await next.datasync();
    await rename(`${file}.next`, file);
    await syncDirectory(this.directory);
    await this.handle.close();
    this.handle = next;
  }
}

function lineOf(record: JournalRecord): string {
  return `${JSON.stringify(record)}\n`;
}

function readRecords(bytes: Buffer, file: string): JournalRecord[] {
  const records: JournalRecord[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf("\n", start);
    if (end < 0) return records;
    const record = parse(bytes.toString("utf8", start, end));
    if (record) records.push(record);
    else if (end + 1 < bytes.length) throw unreadable(file, records.length + 1);
    start = end + 1;
  }
}

function parse(line: string): JournalRecord | undefined {
  try {
    return JSON.parse(line) as JournalRecord;
  } catch {
    return undefined;
  }
}

function unreadable(file: string, line: number): Error {
  return new Error(
    `${file}: line ${line} cannot be read, and lines follow it. Restore the file, or remove the line.`,
  );
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows has no such thing as a folder that can be opened.
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  await handle.sync();
  await handle.close();
}

function lock(file: string): void {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
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
