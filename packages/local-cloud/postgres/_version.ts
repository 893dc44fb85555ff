import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../support/run-program.ts";

/** Whether a folder has the programs of a major version, and they run on this machine. */
export async function isOfMajor(folder: string, version: number): Promise<boolean> {
  if (!existsSync(join(folder, "initdb"))) return false;
  const { code, lines } = await runProgram(join(folder, "postgres"), ["--version"]);
  const [, major] = /\(PostgreSQL\) (\d+)/.exec(lines[0] ?? "") ?? [];
  return code === 0 && Number(major) === version;
}

/** The major version whose data a folder has. */
export function versionOfData(folder: string): number | undefined {
  const file = join(folder, "PG_VERSION");
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
}
