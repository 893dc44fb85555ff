import { mkdirSync } from "node:fs";
import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

const NEWLINE = 0x0a;
const CHUNK_LINES = 1000;
/** What is kept may hold anything that a site and its users write. */
const OWNER_ONLY = 0o600;

/** Creates a folder that nobody else can read. An existing one stays as it is. */
export function makePrivateFolder(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/** Opens the file, or creates it. Its last line is dropped where a crash has truncated it. */
export async function openRecords(file: string): Promise<RecordFile> {
  const handle = await open(file, "a", OWNER_ONLY);
  await handle.chmod(OWNER_ONLY);
  const content = await readFile(file);
  const whole = content.lastIndexOf(NEWLINE) + 1;
  if (whole < content.length) await handle.truncate(whole);
  return new RecordFile(file, handle, whole);
}

/**
 * An append-only file of JSON values, one a line. What is committed outlives a crash. What the disk
 * did not take stays first in line, and the next `committed` tries again.
 */
export class RecordFile {
  private readonly file: string;
  private handle: FileHandle;
  /** Of what is surely in the file, in bytes. */
  private length: number;
  /** Whether half a line may follow that. */
  private torn = false;
  /** What is to be written; whatever comes while the disk is busy goes into its next turn, together. */
  private lines: string[] = [];
  /** Characters of all that is to be written, a replacement left aside. */
  private waiting = 0;
  private replacement: Replacement | undefined;
  private next: Promise<void> | undefined;
  private last: Promise<void> = Promise.resolve();

  constructor(file: string, handle: FileHandle, length: number) {
    this.file = file;
    this.handle = handle;
    this.length = length;
  }

  /** Of the file, once everything that was appended is in it; roughly until then. */
  get bytes(): number {
    return this.length + this.waiting;
  }

  /** Whether the disk has rejected what was appended, and has not taken it since. */
  get isBehind(): boolean {
    return this.torn;
  }

  /** Whether the content is about to be replaced. */
  get isReplaced(): boolean {
    return this.replacement !== undefined;
  }

  append(record: unknown): void {
    const line = lineOf(record);
    this.lines.push(line);
    this.waiting += line.length;
    // A disk that takes nothing is asked again when somebody wants to know.
    if (!this.torn) this.schedule();
  }

  /** Resolves when everything that was appended so far is on the disk. */
  committed(): Promise<void> {
    if (this.lines.length > 0) this.schedule();
    return this.last;
  }

  /** Everything in the file, in the order in which it was appended. */
  async read(): Promise<unknown[]> {
    const records: unknown[] = [];
    const bytes = await readFile(this.file);
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, start);
      records.push(parse(bytes.toString("utf8", start, end), this.file, records.length + 1));
      start = end + 1;
    }
    return records;
  }

  /**
   * Puts these records, which say the same, in place of all that was appended so far. After a crash
   * either the old or the new content is there. Where there is no space for both, the old stays.
   */
  replace(records: Iterable<unknown>): Promise<void> {
    if (this.replacement === undefined) {
      this.replacement = { lines: Array.from(records, lineOf), replaced: this.lines };
      this.lines = [];
      this.schedule();
    }
    return this.last;
  }

  /** @throws Error when the disk does not take all that was appended */
  async close(): Promise<void> {
    try {
      await this.committed();
    } finally {
      await this.handle.close();
    }
  }

  private schedule(): void {
    if (this.next !== undefined) return;
    this.next = this.last.catch(() => undefined).then(() => this.turn());
    this.last = this.next;
    // Whoever waits is told; perhaps nobody does.
    this.last.catch(() => undefined);
  }

  private async turn(): Promise<void> {
    this.next = undefined;
    const { replacement } = this;
    let taken: string[] = [];
    try {
      if (replacement) await this.swap(replacement);
      this.replacement = undefined;
      taken = this.lines;
      this.lines = [];
      await this.write(taken);
    } catch (error) {
      this.torn = true;
      this.putBack(taken);
      throw notWritten(this.file, error);
    }
  }

  private putBack(lines: readonly string[]): void {
    const { replacement } = this;
    if (replacement === undefined) this.lines = [...lines, ...this.lines];
    // Whoever has asked for it meanwhile has these in it.
    else this.replacement = { ...replacement, replaced: [...lines, ...replacement.replaced] };
  }

  private async write(lines: readonly string[]): Promise<void> {
    if (this.torn) await this.handle.truncate(this.length);
    if (lines.length > 0) {
      const bytes = Buffer.from(lines.join(""));
      await this.handle.appendFile(bytes);
      await this.handle.datasync();
      this.length += bytes.length;
      this.waiting -= charactersOf(lines);
    }
    this.torn = false;
  }

  private async swap({ lines, replaced }: Replacement): Promise<void> {
    const draft = await writeDraft(`${this.file}.new`, lines, this.file).catch(() => undefined);
    if (draft === undefined) {
      this.lines = [...replaced, ...this.lines];
      return;
    }
    await this.handle.close();
    this.handle = draft.handle;
    this.length = draft.length;
    this.waiting -= charactersOf(replaced);
    this.torn = false;
    await syncFolder(dirname(this.file));
  }
}

interface Replacement {
  readonly lines: readonly string[];
  /** What was still to be written, and has to be where the replacement fails. */
  readonly replaced: readonly string[];
}

async function writeDraft(draft: string, lines: readonly string[], file: string) {
  await rm(draft, { force: true });
  const handle = await open(draft, "ax", OWNER_ONLY);
  try {
    for (let at = 0; at < lines.length; at += CHUNK_LINES) {
      await handle.appendFile(lines.slice(at, at + CHUNK_LINES).join(""));
    }
    await handle.datasync();
    const { size: length } = await handle.stat();
    await rename(draft, file);
    return { handle, length };
  } catch (error) {
    await handle.close();
    await rm(draft, { force: true });
    throw error;
  }
}

async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  await handle.sync();
  await handle.close();
}

function charactersOf(lines: readonly string[]): number {
  return lines.reduce((sum, { length }) => sum + length, 0);
}

function lineOf(record: unknown): string {
  return `${JSON.stringify(record)}\n`;
}

function parse(line: string, file: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(
      `${file}:${number} is damaged. Remove the line, or move the file away to start with nothing.`,
    );
  }
}

function notWritten(file: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(
    `${file} could not be written (${reason}). Free space on its disk, or repair it.`,
    {
      cause: error,
    },
  );
}
