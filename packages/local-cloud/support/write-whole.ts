import { renameSync, writeFileSync } from "node:fs";

/**
 * Writes a file so that it is there whole or not at all.
 *
 * @param mode the file's permissions. @default - as the umask has them
 */
export function writeWhole(file: string, text: string, mode?: number): void {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, text, { mode });
  renameSync(fresh, file);
}
