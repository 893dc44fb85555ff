import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../support/sources.ts";
import { DOCUMENTS, readDocument } from "./_documents.ts";
import { readSources } from "./_sources.ts";

const FOLDER = join(ROOT, "constructs");
const PAGE = readDocument("docs/constructs.md");

/** Text of the file of each construct that others may use. */
const CONSTRUCTS = new Map(
  readdirSync(FOLDER)
    .filter((name) => /^[a-z].*\.ts$/.test(name))
    .map((name) => readFileSync(join(FOLDER, name), "utf8"))
    .flatMap((text) =>
      [...text.matchAll(/^export class (\w+) extends (?:Construct|ServerlessContainer) /gm)].map(
        ([, name = ""]): [string, string] => [name, text],
      ),
    ),
);

describe("docs/constructs.md", () => {
  test("has a section for each construct", () => {
    const sections = PAGE.headings.filter(({ level }) => level === 2).map(({ text }) => text);

    expect(sections.sort()).toEqual([...CONSTRUCTS.keys()].sort());
  });

  test.each([...CONSTRUCTS])("%s has the methods that its section names", (name, source) => {
    const [, section = ""] = new RegExp(`## ${name}\n([^]*?)(?=\n## |$)`).exec(PAGE.text) ?? [];
    const methods = [...section.matchAll(/`(?:[A-Z]\w+\.)?([a-z]\w+)(?:\(|`)/g)].map((it) => it[1]);

    for (const method of methods) expect(source).toMatch(new RegExp(`\\b${method}\\b`));
  });
});

const CODE = [...["constructs", "stacks", "scripts", "packages", "examples", "ci"], "test/support"]
  .flatMap((folder) => readSources(folder, /\.(ts|py|yml|env|json)$/))
  .concat(["run.mjs", "mirror.env"].map((name) => readFileSync(join(ROOT, name), "utf8")))
  .join("\n");
/** Names of environment variables and of the worker's settings. */
const VARIABLES = new Set(
  DOCUMENTS.flatMap(({ codes }) =>
    codes.flatMap((code) => code.match(/^[A-Z][A-Z0-9]*_[A-Z0-9_]*(?==|$)|^push_worker_\w+/) ?? []),
  ),
);

/** What a user's own project or image may have, and settings of Django's. */
const THEIRS = [
  "PYTHON_VERSION",
  ...["CONN_HEALTH_CHECKS", "CONN_MAX_AGE", "DISABLE_SERVER_SIDE_CURSORS"],
  ...["DJANGO_SUPERUSER_EMAIL", "DJANGO_SUPERUSER_PASSWORD", "DJANGO_SUPERUSER_USERNAME"],
];

test.each([...VARIABLES].filter((name) => !THEIRS.includes(name)))(
  "%s is a name in the code",
  (name) => {
    expect(CODE.includes(name)).toBe(true);
  },
);
