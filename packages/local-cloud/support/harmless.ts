import { stripVTControlCharacters } from "node:util";

/** What acts on a terminal (C0, C1), breaks a line, or turns the direction of what follows. */
export const ACTIVE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]+/gu;

/** A text of somebody else's, safe to print in one line of a terminal. */
export function harmless(text: string): string {
  return stripVTControlCharacters(text).replace(ACTIVE, " ");
}
