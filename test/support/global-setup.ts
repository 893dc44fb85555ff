import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The framework leaves a directory behind for every app that a test makes: keep them in one place. */
export function setup(): () => void {
  const scratch = mkdtempSync(join(tmpdir(), "stack-tests-"));
  process.env.TMPDIR = scratch;
  process.env.CHECKPOINT_DISABLE = "1";
  return () => rmSync(scratch, { recursive: true, force: true });
}
