/**
 * What no text of a task may do to the page: control characters, and those that turn the direction
 * of what follows, have no width or are half a character. Line breaks and tabs stay.
 */
const HARMFUL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\0-\x08\x0B-\x1F\x7F-\x9F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]|[\u{E0000}-\u{E007F}]|\p{Cs}/gu;

/**
 * The text with such characters as signs that can be seen: `␛[31m`, `‹U+202E›`.
 *
 * @param {string} text
 */
export function harmless(text) {
  return text.replace(HARMFUL, (found) => {
    const code = found.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
  });
}
