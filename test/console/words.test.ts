import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clock,
  duration,
  languageOf,
  number,
  say,
  size,
  WORDS,
  // @ts-expect-error The page is JavaScript, without declarations.
} from "../../packages/console/page/words.js";

const FOLDER = new URL("../../packages/console/page/", import.meta.url);
const KEYS = Object.keys(WORDS);
/** `{count}` and `{count:task|tasks}` of a pattern. */
const placesOf = (text: string) => [...text.matchAll(/\{(\w+)(?::([^}]*))?\}/g)];

describe("each key", () => {
  test("has words in both languages, with the same values", () => {
    const namesOf = (text: string) => [...new Set(placesOf(text).map(([, name]) => name))].sort();
    for (const key of KEYS) {
      const [english, russian, ...others] = WORDS[key];
      expect(others, key).toEqual([]);
      expect(namesOf(russian), key).toEqual(namesOf(english));
      expect(english, key).not.toMatch(/[а-я]/i);
      expect(russian, key).not.toBe("");
    }
  });

  test("has two forms in English and three in Russian", () => {
    const countsOf = (text: string) =>
      placesOf(text).flatMap(([, , forms]) => (forms === undefined ? [] : forms.split("|").length));
    for (const key of KEYS) {
      const [english, russian] = WORDS[key];
      expect(new Set([...countsOf(english), 2]), key).toEqual(new Set([2]));
      expect(new Set([...countsOf(russian), 3]), key).toEqual(new Set([3]));
    }
  });

  test("stands by the alphabet, once", () => {
    const keys = [...read("words.js").matchAll(/^ {2}"([\w.]+)": \[/gm)].map(([, key = ""]) => key);
    expect(keys).toEqual([...new Set(keys)].sort((one, other) => (one < other ? -1 : 1)));
  });

  test("is used by the page", () => {
    const files = readdirSync(FOLDER).filter((name) => name !== "words.js");
    const sources = files
      .filter((name) => /\.(js|html)$/.test(name))
      .map(read)
      .join("\n");
    const prefixes = [...sources.matchAll(/`(\w+\.)\$\{/g)].map(([, prefix = ""]) => prefix);
    const own = read("words.js");
    const isUsed = (key: string) =>
      [sources, own.slice(own.indexOf("const PLURALS"))].some((text) =>
        text.includes(`"${key}"`),
      ) || prefixes.some((prefix) => key.startsWith(prefix));
    expect(KEYS.filter((key) => !isUsed(key))).toEqual([]);
  });
});

function read(name: string): string {
  return readFileSync(new URL(name, FOLDER), "utf8");
}

test.each([
  [0, "0 messages", "0 сообщений"],
  [1, "1 message", "1 сообщение"],
  [2, "2 messages", "2 сообщения"],
  [5, "5 messages", "5 сообщений"],
  [11, "11 messages", "11 сообщений"],
  [21, "21 messages", "21 сообщение"],
  [1234, "1,234 messages", "1\u00a0234 сообщения"],
])("counts %i", (count, english, russian) => {
  expect(say("en", "dead.count", { count })).toBe(english);
  expect(say("ru", "dead.count", { count })).toBe(russian);
});

test("puts values in as they are, and nothing for one that is not given", () => {
  expect(say("en", "step.sentTo", { queue: "{queue} $& {count:a|b}" })).toBe(
    "Sent to the queue {queue} $& {count:a|b}",
  );
  expect(say("en", "step.sentTo")).toBe("Sent to the queue ");
});

test.each([
  ["#lang=ru", "en-US", "ru"],
  ["#t=1&lang=en", "ru-RU", "en"],
  ["#t=1", "ru-RU", "ru"],
  ["", "ru", "ru"],
  ["", "run", "en"],
  ["#lang=de", "ru", "en"],
])("reads the language from %j, else from %s: %s", (hash, preferred, expected) => {
  expect(languageOf(hash, preferred)).toBe(expected);
});

test.each([
  [-5, "0 ms", "0 мс"],
  [20.4, "20 ms", "20 мс"],
  [999.4, "999 ms", "999 мс"],
  [999.5, "1 s", "1 с"],
  [3440, "3.4 s", "3,4 с"],
  [9950, "10 s", "10 с"],
  [59_499, "59 s", "59 с"],
  [59_500, "1 min", "1 мин"],
  [252_000, "4 min 12 s", "4 мин 12 с"],
  [3_599_600, "1 h", "1 ч"],
  [7_500_000, "2 h 5 min", "2 ч 5 мин"],
  [86_399_999, "1 d", "1 д"],
  [273_600_000, "3 d 4 h", "3 д 4 ч"],
])("%d ms are %s", (ms, english, russian) => {
  expect(duration(ms, "en")).toBe(english);
  expect(duration(ms, "ru")).toBe(russian);
});

test.each(["en", "ru"])("writes numbers as Intl does: %s", (language) => {
  const intl = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  fc.assert(
    fc.property(fc.nat({ max: 10 ** 12 }), (tenths) => {
      expect(number(tenths / 10, language, 1)).toBe(intl.format(tenths / 10));
      expect(number(tenths, language)).toBe(intl.format(tenths));
    }),
  );
});

test.each([
  [1, "1 byte", "1 байт"],
  [1023, "1,023 bytes", "1\u00a0023 байта"],
  [1024, "1 KB", "1 КБ"],
  [1_048_575, "1 MB", "1 МБ"],
  [3_565_158, "3.4 MB", "3,4 МБ"],
])("%d bytes are %s", (bytes, english, russian) => {
  expect(size(bytes, "en")).toBe(english);
  expect(size(bytes, "ru")).toBe(russian);
});

test("says the day of a time that is not of today", () => {
  const at = new Date(2026, 10, 24, 0, 4, 9).getTime();
  expect(clock(at, "en", at + 1000)).toBe("00:04:09");
  expect(clock(at, "en", at + 86_400_000)).toBe("24 Nov, 00:04:09");
  expect(clock(at, "ru", at + 86_400_000)).toBe("24 нояб., 00:04:09");
});
