import { cpSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

/** The project's folder. */
export const ROOT = resolve(import.meta.dirname, "..", "..");

const FILES = ["main.ts", "config.ts", "run.mjs", "package.json", "tsconfig.json"];
const FOLDERS = ["constructs", "stacks", "scripts"];

/** Copies the sources that the commands run, for a test that wants a `config.ts` of its own. */
export function copySources(to: string): void {
  mkdirSync(to, { recursive: true });
  for (const source of [...FILES, ...FOLDERS])
    cpSync(join(ROOT, source), join(to, source), { recursive: true });
}
