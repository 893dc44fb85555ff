import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/sources.ts";
import { DOCUMENTS } from "./_documents.ts";

const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
  .map(({ name }) => name)
  .filter((name) => !["node_modules", "cdktf.out", "coverage"].includes(name));
const ROOT_FILE = /^[\w.-]+\.(ts|mjs|hcl|env|tfrc)$/;

/** What is written as code and is a path of this repository. */
const PATHS = DOCUMENTS.flatMap(({ path, codes, blocks }) =>
  [...codes, ...blocks.map(({ code }) => code)]
    .flatMap((code) => code.match(/(?<![\w/.@$:*-])[\w.@-]+(\/[\w.@<>*-]+)*/g) ?? [])
    .filter((found) => ROOT_FILE.test(found) || isOurs(found))
    .map((found) => ({ path, found })),
);

test("there are paths to check", () => expect(PATHS.length).toBeGreaterThan(60));

// A document may name a file as seen from its own folder, or a map a file as seen from where it lies.
test.each(PATHS)("$path: $found exists", ({ path, found }) => {
  const places = ["", dirname(path), "constructs", "scripts"].map((place) => join(ROOT, place));

  expect(places.some((place) => exists(join(place, found)))).toBe(true);
});

function isOurs(found: string): boolean {
  return found.includes("/") && FOLDERS.includes(found.split("/")[0] ?? "");
}

/** `constructs/<noun>.ts` and `constructs/_*` stand for any file of that shape. */
function exists(file: string): boolean {
  const [before = "", after] = file.split(/<\w+>|\*/);
  if (after === undefined) return existsSync(file);
  const [folder, start] = before.endsWith("/") ? [before, ""] : [dirname(before), basename(before)];
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((name) => name.startsWith(start) && name.endsWith(after));
}
