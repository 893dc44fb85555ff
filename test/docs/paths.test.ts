import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/sources.ts";
import { DOCUMENTS } from "./_documents.ts";

const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
  .map(({ name }) => name)
  .filter((name) => !["node_modules", "cdktf.out", "coverage"].includes(name));
const ROOT_FILE = /^[\w.-]+\.(ts|mjs|py|hcl|env|tfrc)$/;
/** What a user's own project may have. */
const THEIRS = ["gunicorn.conf.py"];

/** What is written as code and is a path of this repository. */
const PATHS = DOCUMENTS.flatMap(({ path, codes, blocks }) =>
  [...codes, ...blocks.map(({ code }) => code)]
    .flatMap((code) => code.match(/(?<![\w/.@$:*-])[\w.@-]+(\/[\w.@<>*-]+)*/g) ?? [])
    .filter((found) => ROOT_FILE.test(found) || isOurs(found))
    .filter((found) => !THEIRS.includes(found))
    .map((found) => ({ path, found })),
);

test("there are paths to check", () => expect(PATHS.length).toBeGreaterThan(60));

/** Where a file may lie whose folder the text has just named. */
const PLACES = [
  "",
  "constructs",
  "scripts",
  "examples/django-celery",
  "examples/django-celery/shop",
  "packages/celery-push-worker/src/celery_push_worker",
];

test.each(PATHS)("$path: $found exists", ({ path, found }) => {
  const places = [dirname(path), ...PLACES];

  expect(places.some((place) => exists(join(ROOT, place, found)))).toBe(true);
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
