import { type FileHandle, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

const NEWLINE = 0x0a;

/** Opens the file, or makes it. Its last line is dropped where a crash has cut it off. */
export async function openJournal(file: string): Promise<Journal> {
  const handle = await open(file, "a");
  const content = await readFile(file);
  const whole = content.lastIndexOf(NEWLINE) + 1;
  if (whole < content.length) await handle.truncate(whole);
  return new Journal(file, handle, whole);
}

/** An append-only file of JSON values, one a line. What is committed outlives a crash. */
export class Journal {
  private readonly file: string;
  private handle: FileHandle;
  private length: number;
  private lines: string[] = [];
  private busy = Promise.resolve();
  private next: Promise<void> | undefined;

  constructor(file: string, handle: FileHandle, length: number) {
    this.file = file;
    this.handle = handle;
    this.length = length;
  }

  /** Of the file. */
  get bytes(): number {
    return this.length;
  }

  append(record: unknown): void {
    this.lines.push(`${JSON.stringify(record)}\n`);
  }

  /**
   * Resolves once all that was appended is on the disk. After the disk has failed, it fails for
   * ever: what is in memory is no longer what will be there after a restart.
   */
  committed(): Promise<void> {
    // What comes while the disk is busy goes into its next turn, together.
    if (!this.next) {
      this.next = this.busy.then(() => this.write());
      this.busy = this.next;
    }
    return this.next;
  }

  /** Everything in the file, in the order in which it was appended. */
  async read(): Promise<unknown[]> {
    const lines = (await readFile(this.file, "utf8")).split("\n").slice(0, -1);
    return lines.map((line, index) => parse(line, `${this.file}:${index + 1}`));
  }

  /** Replaces what is committed. After a crash either the old or the new content is there. */
  replace(records: readonly unknown[]): Promise<void> {
    this.busy = this.busy.then(() => this.swap(records));
    return this.busy;
  }

  async close(): Promise<void> {
    await this.committed();
    await this.handle.close();
  }

  private async write(): Promise<void> {
    this.next = undefined;
    if (this.lines.length === 0) return;
    const lines = Buffer.from(this.lines.join(""));
    this.lines = [];
    await this.handle.appendFile(lines);
    await this.handle.datasync();
    this.length += lines.length;
  }

  private async swap(records: readonly unknown[]): Promise<void> {
    const draft = `${this.file}.new`;
    const handle = await open(draft, "w");
    await handle.writeFile(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    await sync(handle);
    await rename(draft, this.file);
    await sync(await open(dirname(this.file), "r"));
    await this.handle.close();
    this.handle = await open(this.file, "a");
    this.length = (await this.handle.stat()).size;
  }
}

async function sync(handle: FileHandle): Promise<void> {
  await handle.sync();
  await handle.close();
}

function parse(line: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`${place} is damaged. Move the file away to begin with empty tables.`);
  }
}
