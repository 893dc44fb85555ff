import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "./error-code.ts";

/** How long a lock file may be empty: it is created first and gets its owner's process id then. */
const CREATION_MS = 1000;
const POLL_MS = 200;
/** Locks of this process. A file with its id that is not among them is an earlier process's. */
const held = new Set<string>();

/** Releases a lock. */
export type Unlock = () => void;

/**
 * Takes a lock file, which holds its owner's process id; `undefined` where another owner is alive.
 * A lock that a dead process left behind is taken over.
 */
export function tryLock(file: string): Unlock | undefined {
  if (isAbandoned(file)) rmSync(file, { force: true });
  try {
    writeFileSync(file, String(process.pid), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (errorCode(error) === "EEXIST") return undefined;
    throw error;
  }
  held.add(file);
  return () => {
    held.delete(file);
    rmSync(file, { force: true });
  };
}

/**
 * Takes the lock file of a folder with data.
 *
 * @throws Error where another owner is alive
 */
export function lockData(file: string): Unlock {
  const unlock = tryLock(file);
  if (unlock !== undefined) return unlock;
  throw new Error(
    `${file}: process ${lockOwner(file)} uses this folder. Stop it, or choose another folder; if it is not a local cloud, remove the file.`,
  );
}

/**
 * Takes a lock file as soon as its owner releases it or dies.
 *
 * @param onWait called once, where there is an owner to wait for
 * @throws AbortError once `signal` is aborted
 */
export async function waitForLock(
  file: string,
  { onWait, signal }: { readonly onWait?: () => void; readonly signal?: AbortSignal },
): Promise<Unlock> {
  for (let isFirst = true; ; isFirst = false) {
    const unlock = tryLock(file);
    if (unlock !== undefined) return unlock;
    if (isFirst) onWait?.();
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** The process id in a lock file; 0 where there is none. */
export function lockOwner(file: string): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return 0;
  }
}

function isAbandoned(file: string): boolean {
  const owner = lockOwner(file);
  if (owner === process.pid) return !held.has(file);
  return owner > 0 ? !isRunning(owner) : isOld(file);
}

/** Whether there is such a process, be it one that has ended and that nobody has buried. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Alive, yet another user's.
    return errorCode(error) === "EPERM";
  }
}

function isOld(file: string): boolean {
  const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return mtimeMs !== undefined && Date.now() - mtimeMs > CREATION_MS;
}
