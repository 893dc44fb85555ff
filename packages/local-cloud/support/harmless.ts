import { stripVTControlCharacters } from "node:util";

/** What acts on a terminal (C0, C1), breaks a line, or turns the direction of what follows. */
const ACTIVE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]+/gu;

/** A text of somebody else's that is to stand in one line of a terminal, and to do nothing else there. */
export function harmless(text: string): string {
  return stripVTControlCharacters(text).replace(ACTIVE, " ");
}

/** JSON that does nothing to a terminal either, and says the same. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value).replace(ACTIVE, (characters) =>
    Array.from(characters, escapeCharacter).join(""),
  );
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
