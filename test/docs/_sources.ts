import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/sources.ts";

/** The texts of a folder's files whose names match, those of packages from elsewhere left out. */
export function readSources(folder: string, names = /\.(ts|py)$/): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return /^(node_modules|\.)/.test(entry.name) ? [] : readSources(path, names);
    return names.test(entry.name) ? [readFileSync(join(ROOT, path), "utf8")] : [];
  });
}
