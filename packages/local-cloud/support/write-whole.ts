import { renameSync, writeFileSync } from "node:fs";

/** Writes a file so that it is there whole or not at all. */
export function writeWhole(file: string, text: string): void {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, text);
  renameSync(fresh, file);
}
