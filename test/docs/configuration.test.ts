import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configSchema } from "../../stacks/config-schema.ts";
import { ROOT } from "../support/sources.ts";
import { type ConfigField, configFields } from "./_config-fields.ts";
import { configWith, problemsOf, synthesize } from "./_synth.ts";

const FILE = join(ROOT, "docs", "configuration.md");
const TABLE = /(?<=<!-- fields -->\n)[\s\S]*?(?=<!-- \/fields -->)/;
/** What the rest depends on comes first, then by name. */
const FIRST = ["stages", "celeryApp", "project"];
const FIELDS = configFields().sort((one, other) => {
  const [a = "", b = ""] = [one, other].map(({ name }) => name.split(".")[0]);
  return FIRST.indexOf(b) - FIRST.indexOf(a) || (a < b ? -1 : Number(a > b));
});

/** `npx vitest run test/docs -u` writes the table. */
test("docs/configuration.md has the fields with the comments that the editor shows", async () => {
  const page = readFileSync(FILE, "utf8");

  await expect(page.replace(TABLE, () => renderTable(FIELDS))).toMatchFileSnapshot(FILE);
});

test("the table has every field that the schema accepts, and no other", () => {
  const documented = FIELDS.map(({ name }) => name);

  expect(documented.sort()).toEqual([...new Set(accepted(configSchema))].sort());
});

const DEFAULTS = FIELDS.flatMap(({ name, fallback = "" }) =>
  /^("[^"]*"|\d+)$/.test(fallback) ? [{ name, value: JSON.parse(fallback) }] : [],
);

test.each(DEFAULTS)("$name is $value where it is left out", ({ name, value }) => {
  const other = configWith(name, typeof value === "number" ? value + 1 : `${value}x`);

  expect(synthesize(configWith(name, value))).toBe(synthesize(configWith(name)));
  // A quota is in no resource.
  if (problemsOf(other).length > 0 || name.startsWith("quotas.")) return;
  expect(synthesize(other)).not.toBe(synthesize(configWith(name)));
});

const RANGES = FIELDS.flatMap(({ name, text }) => {
  const [, min, max, step = 1] = /(\d+) to (\d+)(?: in steps of (\d+))?/.exec(text) ?? [];
  return max === undefined
    ? []
    : [{ name, min: Number(min), max: Number(max), step: Number(step) }];
});

test.each(RANGES)("$name may be $min to $max", ({ name, min, max, step }) => {
  const rejected = [min - step, min, max, max + step].filter((value) =>
    problemsOf(configWith(name, value)).some((it) => it.includes(`${name.split(".").at(-1)}' is`)),
  );

  expect(rejected).toEqual([min - step, max + step]);
});

test("there are defaults and ranges to check", () => {
  expect([DEFAULTS.length, RANGES.length].every((count) => count > 10)).toBe(true);
});

function renderTable(fields: readonly ConfigField[]): string {
  const rows = fields
    .filter((field) => !isBareGroup(field, fields))
    .filter(
      ({ declaration }, row, all) => all.findIndex((it) => it.declaration === declaration) === row,
    )
    .map((field) => renderRow(field, fields));
  return ["", "| field | | default |", "|---|---|---|", ...rows, "", ""].join("\n");
}

// `web.cores` and `worker.cores` are one field of one type.
function renderRow(field: ConfigField, all: readonly ConfigField[]): string {
  const { text, type, fallback = "", optional, declaration } = field;
  const names = all.filter((it) => it.declaration === declaration).map((it) => code(it.name));
  const without = fallback.startsWith("- ") ? fallback.slice(2) : fallback && code(fallback);
  const cells = [names.join(", "), text || code(type), optional ? without : "required"];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** What needs no row, as its fields say everything. */
function isBareGroup({ name, text, fallback }: ConfigField, all: readonly ConfigField[]): boolean {
  return !text && !fallback && all.some((it) => it.name.startsWith(`${name}.`));
}

function code(text: string): string {
  return `\`${text}\``;
}

interface SchemaNode {
  readonly entries?: Record<string, SchemaNode>;
  readonly wrapped?: SchemaNode;
  readonly options?: readonly SchemaNode[];
  readonly value?: SchemaNode;
}

/** The names of what a schema accepts, with `<name>` for the keys of a record. */
function accepted(schema: unknown, prefix = ""): string[] {
  const { entries, wrapped, options, value } = schema as SchemaNode;
  if (wrapped) return accepted(wrapped, prefix);
  if (options) return options.flatMap((option) => accepted(option, prefix));
  if (value?.entries && prefix !== "stages.") return accepted(value, `${prefix}<name>.`);
  return Object.entries(entries ?? {}).flatMap(([name, below]) => [
    `${prefix}${name}`,
    ...accepted(below, `${prefix}${name}.`),
  ]);
}
