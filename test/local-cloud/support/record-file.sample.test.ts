import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  makePrivateFolder,
  openRecords,
  type RecordFile,
} from "../../../packages/local-cloud/support/record-file.ts";
import { sampled } from "../../support/sample.ts";
import { haveSmallDisks, SmallDisk } from "../_small-disk.ts";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "records-"));
  file = join(directory, "records");
});
afterEach(() => rmSync(directory, { recursive: true }));

async function kept(path = file): Promise<unknown[]> {
  const records = await openRecords(path);
  const all = await records.read();
  await records.close();
  return all;
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("what is committed is in the file, in order, whoever waits for it", async () => {
  const records = await openRecords(file);
  const numbers = Array.from({ length: 100 }, (_, index) => index);
  await Promise.all(
    numbers.map(async (number) => {
      records.append(number);
      await records.committed();
      expect(await records.read()).toContain(number);
    }),
  );
  expect(await records.read()).toEqual(numbers);
  await records.close();
});

test("what comes while the content is replaced is kept", async () => {
  const records = await openRecords(file);
  records.append("old");
  const replaced = records.replace(["new"]);
  records.append("after");
  await Promise.all([replaced, records.committed()]);
  expect(records.bytes).toBe(14);
  await records.close();
  expect(await kept()).toEqual(["new", "after"]);
});

test("a last line that a crash has cut off is dropped, and what follows is whole", async () => {
  writeFileSync(file, '"whole"\n"ha');
  const records = await openRecords(file);
  records.append("next");
  await records.close();
  expect(await kept()).toEqual(["whole", "next"]);
});

test("a damaged line is named, and none of the file is dropped", async () => {
  writeFileSync(file, "1\n{broken\n");
  await expect(kept()).rejects.toThrow(
    `${file}:2 is damaged. Remove the line, or move the file away to start with nothing.`,
  );
  expect(readFileSync(file, "utf8")).toBe("1\n{broken\n");
});

test("folder and files are their owner's alone, also after they were replaced, also old ones", async () => {
  const umask = process.umask(0o022);
  try {
    const inside = join(directory, "made", "here");
    makePrivateFolder(inside);
    expect([modeOf(inside), modeOf(join(inside, ".."))]).toEqual(["700", "700"]);
    appendFileSync(file, "", { mode: 0o644 });
    const records = await openRecords(file);
    expect(modeOf(file)).toBe("600");
    writeFileSync(`${file}.new`, "of a crash", { mode: 0o644 });
    await records.replace(["x"]);
    expect(modeOf(file)).toBe("600");
    await records.close();
  } finally {
    process.umask(umask);
  }
});

test("what was not written is said, with the file and the reason", async () => {
  const records = await openRecords(file);
  await records.close();
  records.append("lost");
  await expect(records.committed()).rejects.toThrow(
    new RegExp(
      `^${file} could not be written \\(.+\\)\\. Free space on its disk, or repair it\\.$`,
    ),
  );
});

describe.skipIf(!haveSmallDisks())("on a full disk", () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = new SmallDisk();
    file = join(disk.directory, "records");
  });
  afterEach(() => disk.remove());

  const half = "x".repeat(5000);

  test("what could not be written is written once there is space, each record once", async () => {
    const records = await openRecords(file);
    records.append("before");
    await records.committed();
    disk.fill();
    records.append(half);
    await expect(records.committed()).rejects.toThrow(/ENOSPC/);
    expect(records.isBehind).toBe(true);
    records.append("later");
    await expect(records.committed()).rejects.toThrow(/ENOSPC/);
    disk.empty();
    await records.committed();
    expect(records.isBehind).toBe(false);
    await records.close();
    expect(await kept()).toEqual(["before", half, "later"]);
  });

  test("content that has no space to be replaced stays, and so does what comes after", async () => {
    const records = await openRecords(file);
    records.append("before");
    disk.fill(8192);
    await records.replace([half, half, half]);
    records.append("after");
    await records.close();
    disk.empty();
    expect(await kept()).toEqual(["before", "after"]);
  });

  test("what was kept can be read", async () => {
    const records = await openRecords(file);
    records.append("before");
    await records.close();
    disk.fill();
    expect(await kept()).toEqual(["before"]);
  });

  test("nothing that was committed is lost or doubled, whatever happens in which order", async () => {
    const step = fc.constantFrom(...STEPS);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
        rmSync(file, { force: true });
        const history = new History(disk, await openRecords(file));
        for (const name of steps) await history[name]();
        await history.end();
      }),
      { numRuns: sampled("random histories of a disk that fills", 100, 2_000) },
    );
  });
});

const STEPS = ["append", "append", "commit", "replace", "fill", "empty", "crash"] as const;

/** A file of records, what must be in it and what may be. */
class History {
  private readonly disk: SmallDisk;
  private records: RecordFile;
  private readonly appended: string[] = [];
  private committed = 0;
  private isFull = false;
  private count = 0;

  constructor(disk: SmallDisk, records: RecordFile) {
    this.disk = disk;
    this.records = records;
  }

  append(): void {
    this.count += 1;
    const record = `${this.count}${"x".repeat(5000)}`;
    this.appended.push(record);
    this.records.append(record);
  }

  async commit(): Promise<void> {
    const { length } = this.appended;
    try {
      await this.records.committed();
      this.committed = length;
    } catch {
      expect(this.isFull).toBe(true);
    }
  }

  replace(): void {
    this.records.replace(this.appended).catch(() => {});
  }

  fill(): void {
    if (!this.isFull) this.disk.fill(4096);
    this.isFull = true;
  }

  empty(): void {
    if (this.isFull) this.disk.empty();
    this.isFull = false;
  }

  async crash(): Promise<void> {
    const { length } = this.appended;
    await this.records.close().then(
      () => {
        this.committed = length;
      },
      () => expect(this.isFull).toBe(true),
    );
    const found = await kept();
    expect(found.length).toBeGreaterThanOrEqual(this.committed);
    expect(found).toEqual(this.appended.slice(0, found.length));
    this.appended.length = found.length;
    this.records = await openRecords(file);
  }

  async end(): Promise<void> {
    this.empty();
    await this.records.close();
    expect(await kept()).toEqual(this.appended);
  }
}
