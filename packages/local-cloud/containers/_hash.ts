import { createHash } from "node:crypto";

const DIGITS = 8;

/** The first eight hex digits of a text's SHA-256, to tell names apart. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, DIGITS);
}
