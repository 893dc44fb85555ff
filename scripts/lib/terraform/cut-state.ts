import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than Terraform takes to write a state: a file that stays cut for so long has no writer. */
const WRITTEN_MS = 1000;
const LOOK_AGAIN_MS = 50;

/**
 * Terraform writes a state file in place, after every resource. Killed in that moment, it leaves an
 * empty file, which it takes for a stage that has nothing, or half of one, which it cannot read.
 * Puts back the state from before that run, which it keeps beside it, and keeps the cut file
 * as the sign that it was killed. What that run has created is found by its labels.
 */
export async function mendCutState(file: string): Promise<void> {
  const until = Date.now() + WRITTEN_MS;
  while (isCut(file)) {
    if (Date.now() > until) return putBack(file);
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Whether the state was cut by a run that nobody has finished yet. */
export function wasCut(file: string): boolean {
  return existsSync(signOf(file));
}

/** The run was finished by another. */
export function forgetCut(file: string): void {
  rmSync(signOf(file), { force: true });
}

function isCut(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return false;
  } catch {
    return true;
  }
}

function putBack(file: string): void {
  renameSync(file, signOf(file));
  const before = `${file}.backup`;
  if (existsSync(before) && !isCut(before)) copyFileSync(before, file);
}

function signOf(file: string): string {
  return `${file}.cut`;
}
