import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import { LOCK_FILE, mergeLocks, STACK_LOCK_FILE } from "../../../stacks/terraform-files.ts";
import type { System } from "../shell/system.ts";
import type { Terraform } from "./terraform.ts";

/** Rewrites the committed lock of all (synthesized) stacks, and says whether it has changed. */
export async function lockProviders(
  system: System,
  terraform: Terraform,
  upgrade = false,
): Promise<string> {
  const committed = join(system.root, LOCK_FILE);
  const before = readFileSync(committed, "utf8");
  const lock = join(system.root, terraform.directory("registry"), STACK_LOCK_FILE);
  if (upgrade) rmSync(lock, { force: true });
  await terraform.lockProviders("registry");
  const after = mergeLocks(before, readFileSync(lock, "utf8"));
  if (after === before) return `${LOCK_FILE} is unchanged`;
  writeWhole(committed, after);
  return `${LOCK_FILE} has changed. Commit it.`;
}
