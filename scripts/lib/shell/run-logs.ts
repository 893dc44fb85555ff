import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stageDirectory } from "../../../stacks/directories.ts";
import type { System } from "./system.ts";

/** Runs whose logs are kept. */
const KEPT_RUNS = 20;

/** The log of one tool in this run, from the project's directory. No two runs share a file. */
export function logFile({ runId }: Pick<System, "runId">, stage: string | undefined, name: string) {
  return join(stageDirectory(stage), "log", runId, `${name}.log`);
}

/** Removes the logs of all but the last runs. */
export function pruneLogs({ root }: Pick<System, "root">, stage: string | undefined): void {
  const logs = join(root, stageDirectory(stage), "log");
  if (!existsSync(logs)) return;
  for (const run of readdirSync(logs).sort().slice(0, -KEPT_RUNS)) {
    rmSync(join(logs, run), { recursive: true, force: true });
  }
}
