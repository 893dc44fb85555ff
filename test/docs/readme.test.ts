import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../support/sources.ts";
import { readDocument } from "./_documents.ts";

const ENGLISH = readDocument("README.md");
const RUSSIAN = readDocument("README.ru.md");

test.each([ENGLISH, RUSSIAN])("$path has at most 120 lines", ({ text }) => {
  expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(120);
});

test.each(ENGLISH.links.filter((link) => link.endsWith(".png")))(
  "%s has at most 150 KB",
  (image) => {
    expect(statSync(join(ROOT, image)).size).toBeLessThanOrEqual(150 * 1024);
  },
);

describe("README.ru.md has what README.md has, in the same order", () => {
  test("headings", () => {
    expect(RUSSIAN.headings.map(({ level }) => level)).toEqual(
      ENGLISH.headings.map(({ level }) => level),
    );
  });

  test("code blocks", () => expect(RUSSIAN.blocks).toEqual(ENGLISH.blocks));

  test("links", () => {
    const [toRussian, ...links] = ENGLISH.links;
    const [toEnglish, ...same] = RUSSIAN.links;

    expect([toRussian, toEnglish]).toEqual(["README.ru.md", "README.md"]);
    expect(same).toEqual(links);
  });

  // The order of words in a sentence is each language's own.
  test("commands and names", () => {
    expect([...RUSSIAN.codes].sort()).toEqual([...ENGLISH.codes].sort());
  });

  test("rows of tables", () => expect(rowsOf(RUSSIAN.text)).toEqual(rowsOf(ENGLISH.text)));

  test("numbers", () => expect(numbersOf(RUSSIAN.text)).toEqual(numbersOf(ENGLISH.text)));
});

function rowsOf(text: string): number {
  return text.split("\n").filter((line) => line.startsWith("|")).length;
}

/** Those of the prose, sorted, without what separates thousands. */
function numbersOf(text: string): string[] {
  const joined = text.replaceAll(/(?<=\d)[,\u00a0 ](?=\d{3}\b)/g, "");
  return (joined.match(/\d+(\.\d+)*/g) ?? []).sort();
}
