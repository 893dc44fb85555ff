import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isRunning, lockData, tryLock } from "../support/lock.ts";
import { makePrivateFolder } from "../support/record-file.ts";

/** A folder with a server's data, which this process alone uses. */
export interface DataFolder {
  /** Absolute. The folder is there once there are data. */
  readonly path: string;
  /** Whether it outlives the process. */
  readonly isKept: boolean;
  /** Lets others have it, or removes it. */
  release(): void;
}

/** @throws Error where another process uses it */
export function keepIn(directory: string): DataFolder {
  const path = resolve(directory);
  makePrivateFolder(dirname(path));
  return { path, isKept: true, release: lockData(`${path}.lock`) };
}

/** A folder for one run. Those of runs that were killed are removed. */
export function throwAway(cache: string): DataFolder {
  const parent = resolve(cache, "postgres-data");
  mkdirSync(cache, { recursive: true });
  makePrivateFolder(parent);
  removeLeftovers(parent);
  const path = join(parent, randomUUID());
  const unlock = lockData(`${path}.lock`);
  const release = () => {
    removeData(path);
    unlock();
  };
  return { path, isKept: false, release };
}

/** What is being filled, and gets the folder's name once it is whole. */
export function draftOf(path: string): string {
  return `${path}.new`;
}

/** Whether a server works on a folder, or the number of one that has died is another process's by now. */
export function isServed(path: string): boolean {
  const file = pidFileOf(path);
  // A server for one user's statements writes the number with a minus.
  return existsSync(file) && isRunning(Math.abs(Number.parseInt(readFileSync(file, "utf8"), 10)));
}

/** The file with the process id of the server that works on a folder. */
export function pidFileOf(path: string): string {
  return join(path, "postmaster.pid");
}

function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent).filter((name) => name.endsWith(".lock"))) {
    const file = join(parent, name);
    const path = file.slice(0, -".lock".length);
    // It ends soon after its owner; a later run removes the folder.
    if (isServed(path)) continue;
    const unlock = tryLock(file);
    if (unlock === undefined) continue;
    removeData(path);
    unlock();
  }
}

function removeData(path: string): void {
  // A killed server's connections may write a last time.
  const options = { recursive: true, force: true, maxRetries: 5 };
  for (const folder of [path, draftOf(path)]) rmSync(folder, options);
}
