import { expect, test } from "vitest";
// @ts-expect-error The page is JavaScript, without declarations.
import { harmless } from "../../packages/console/page/harmless.js";

test.each([
  ["escapes of a terminal", "\u001b[31mred\u0007", "␛[31mred␇"],
  ["other directions", "a\u202Etxt.exe\u2066\u200F", "a‹U+202E›txt.exe‹U+2066›‹U+200F›"],
  ["what has no width", "pay\u200Bpal\uFEFF", "pay‹U+200B›pal‹U+FEFF›"],
  ["tags that nobody sees", "a\u{E0041}", "a‹U+E0041›"],
  ["half a character", "\uD83D!", "‹U+D83D›!"],
  ["old control characters", "\u0085\u009B", "‹U+0085›‹U+009B›"],
])("shows %s", (_, text, shown) => {
  expect(harmless(text)).toBe(shown);
});

test("leaves letters, lines, tabs, and joined signs as they are", () => {
  const text = "Анна\tשלום\n👩‍👩‍👧 می‌خواهم <b>&amp;";
  expect(harmless(text)).toBe(text);
});
