import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/sources.ts";
import { anchorsOf, DOCUMENTS } from "./_documents.ts";

const LINKS = DOCUMENTS.flatMap(({ path, links }) =>
  links.filter((link) => !/^https?:/.test(link)).map((link) => ({ path, link })),
);

test("there are links to check", () => expect(LINKS.length).toBeGreaterThan(40));

test.each(LINKS)("$path: $link leads somewhere", ({ path, link }) => {
  const [target = "", anchor] = link.split("#");
  const file = target === "" ? path : normalize(join(dirname(path), target));

  expect(existsSync(join(ROOT, file)), file).toBe(true);
  if (anchor === undefined) return;
  const document = DOCUMENTS.find((it) => it.path === file);
  expect(document && anchorsOf(document)).toContain(anchor);
});

test("every page below docs/ is linked from README.md", () => {
  const readme = DOCUMENTS.find(({ path }) => path === "README.md");
  const pages = DOCUMENTS.map(({ path }) => path).filter((path) => path.startsWith("docs/"));

  expect(readme?.links).toEqual(expect.arrayContaining(pages));
});
