import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of its own, so small that it can be filled: only root can make one, and CI is root. */
export class SmallDisk {
  readonly directory = mkdtempSync(join(tmpdir(), "disk-"));
  private readonly ballast = join(this.directory, "ballast");

  constructor(size = "1m") {
    const { status, stderr } = mount("-t", "tmpfs", "-o", `size=${size}`, "tmpfs", this.directory);
    if (status !== 0) throw new Error(String(stderr));
  }

  /** Leaves no byte free, or so many. */
  fill(free = 0): void {
    rmSync(this.ballast, { force: true });
    const { bavail, bsize } = statfsSync(this.directory);
    try {
      writeFileSync(this.ballast, Buffer.alloc(Math.max(0, bavail * bsize - free)));
    } catch {
      // Somebody else has written in between: it is full all the same.
    }
  }

  empty(): void {
    rmSync(this.ballast);
  }

  remove(): void {
    // Lazily: a test that has failed may have left something open.
    spawnSync("umount", ["-l", this.directory]);
    rmdirSync(this.directory);
  }
}

/** Whether such disks can be made; says so where not. In CI they can. */
export function haveSmallDisks(): boolean {
  if (process.env.CI) return true;
  try {
    new SmallDisk().remove();
    return true;
  } catch {
    console.log("skipped: full disks, which only root can make");
    return false;
  }
}

function mount(...args: string[]) {
  return spawnSync("mount", args);
}
