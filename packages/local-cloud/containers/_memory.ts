import { readFileSync } from "node:fs";
import type { Report } from "../events/event.ts";
import type { ContainerSpec } from "../stack/blueprint.ts";
import { runProgram } from "../support/run-program.ts";

const EVERY_MS = 2000;
const MIB = 1024 * 1024;
const PAGE_BYTES = 4096;

/** Looks at a container's memory every few seconds, and warns when the cloud would end it. */
export class MemoryWatch {
  /** Of the last look, all processes together. */
  mib: number | undefined;

  private readonly spec: Pick<ContainerSpec, "name" | "memoryMib">;
  private readonly report: Report;
  private timer: NodeJS.Timeout | undefined;
  private isAbove = false;

  constructor(spec: Pick<ContainerSpec, "name" | "memoryMib">, report: Report) {
    this.spec = spec;
    this.report = report;
  }

  /** @param group returns the process group to look at; `undefined` while there is none */
  start(group: () => number | undefined): void {
    this.stop();
    this.timer = setInterval(() => void this.look(group()), EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  async look(group: number | undefined): Promise<void> {
    this.mib = group === undefined ? undefined : await residentMib(group);
    const { name, memoryMib } = this.spec;
    const above = this.mib !== undefined && this.mib > memoryMib;
    if (above && !this.isAbove) {
      this.report({
        type: "log",
        container: name,
        level: "warning",
        message: `${name} uses ${this.mib} MiB of memory; in Yandex Cloud it is killed at ${memoryMib} MiB. Raise memoryMib in config.ts`,
      });
    }
    this.isAbove = above;
  }
}

/** Resident memory of a process and all its descendants. */
export async function residentMib(pid: number): Promise<number | undefined> {
  const bytes = process.platform === "linux" ? bytesOnLinux(pid) : await bytesElsewhere(pid);
  return bytes === 0 ? undefined : Math.round(bytes / MIB);
}

function bytesOnLinux(pid: number): number {
  try {
    const [, resident = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    const bytes = Number(resident) * PAGE_BYTES;
    return childrenOf(pid).reduce((sum, child) => sum + bytesOnLinux(child), bytes);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

/** Processes that a process has started, on Linux; none of one that has ended. */
export function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === "" ? [] : children.split(" ").map(Number);
  } catch {
    return [];
  }
}

async function bytesElsewhere(group: number): Promise<number> {
  const { lines } = await runProgram("ps", ["-A", "-o", "pgid=,rss="]);
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([of]) => of === group)
    .reduce((sum, [, kib = 0]) => sum + kib * 1024, 0);
}
