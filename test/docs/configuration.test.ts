import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configSchema } from "../../stacks/config-schema.ts";
import { ROOT } from "../support/sources.ts";
import { type ConfigField, configFields } from "./_config-fields.ts";

const FILE = join(ROOT, "docs", "configuration.md");
const TABLE = /(?<=<!-- fields -->\n)[\s\S]*?(?=<!-- \/fields -->)/;
const FIELDS = configFields();

/** `npx vitest run test/docs -u` writes the table. */
test("docs/configuration.md has the fields with the comments that the editor shows", async () => {
  const page = readFileSync(FILE, "utf8");

  await expect(page.replace(TABLE, () => renderTable(FIELDS))).toMatchFileSnapshot(FILE);
});

test("the table has every field that the schema accepts, and no other", () => {
  const documented = FIELDS.map(({ name }) => name);

  expect(documented.sort()).toEqual([...new Set(accepted(configSchema))].sort());
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
