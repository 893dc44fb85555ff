// Recreates schema/yandex.json from an installed provider, then generates the bindings.
const { spawnSync } = require("node:child_process");
const { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join, resolve } = require("node:path");
const { parseArgs } = require("node:util");
const {
  generate,
  run,
  UserError,
  SCHEMA_FILE,
  PROVIDER,
  SOURCE,
  VERSION,
} = require("./generate.cjs");

const TYPES_FILE = join(__dirname, "..", "schema", "types.json");
const HELP = `Usage: npm run refresh -w @cdktf/provider-yandex [-- <directory>]

Writes schema/yandex.json from an installed provider, cut to the types of schema/types.json,
and generates the bindings from it.

  <directory>   a directory where terraform init has run; without it, terraform init runs in a
                temporary one with ${SOURCE} ${VERSION}

TERRAFORM_BINARY_NAME names another binary (tofu); TF_CLI_CONFIG_FILE and TF_* pass through.`;

async function refresh() {
  const { values, positionals } = parseArgs({
    options: { help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help) return console.log(HELP);
  if (positionals.length > 1) throw new UserError(HELP);
  const printed = positionals[0]
    ? printSchema(resolveFromCaller(positionals[0]))
    : installAndPrint();
  const { schema, skipped } = trim(printed, JSON.parse(readFileSync(TYPES_FILE, "utf8")));
  writeWhole(SCHEMA_FILE, `${JSON.stringify(schema, null, 1)}\n`);
  for (const type of skipped) console.log(`not in this provider, left out: ${type}`);
  await generate();
  console.log(`${SCHEMA_FILE} and the bindings are up to date`);
}

// npm runs a workspace's scripts in the workspace; the user means the directory the command was typed in.
function resolveFromCaller(directory) {
  return resolve(process.env.INIT_CWD ?? ".", directory);
}

function installAndPrint() {
  const directory = mkdtempSync(join(tmpdir(), "provider-yandex-"));
  try {
    const required = { required_providers: { yandex: { source: SOURCE, version: VERSION } } };
    writeFileSync(join(directory, "main.tf.json"), JSON.stringify({ terraform: required }));
    terraform(directory, ["init", "-input=false", "-no-color"]);
    return printSchema(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function printSchema(directory) {
  const text = terraform(directory, ["providers", "schema", "-json"]);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`\`terraform providers schema -json\` printed no JSON: ${error.message}`);
  }
}

function terraform(directory, args) {
  const binary = process.env.TERRAFORM_BINARY_NAME || "terraform";
  const { error, status, stdout, stderr } = spawnSync(binary, args, {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (error?.code === "ENOENT") {
    throw new UserError(
      `${binary} (or ${directory}) is not there. Install Terraform 1.5 or later, or name another binary in TERRAFORM_BINARY_NAME.`,
    );
  }
  if (error) throw error;
  if (status !== 0) {
    throw new UserError(
      `\`${binary} ${args.join(" ")}\` failed in ${directory}:\n${stderr.trim()}`,
    );
  }
  return stdout;
}

/** The listed types of a printed schema: no descriptions, keys in order, one address whatever the mirror. */
function trim(printed, types) {
  const address = Object.keys(printed.provider_schemas ?? {}).find((key) =>
    key.endsWith(`/${SOURCE}`),
  );
  if (!address) {
    throw new UserError(
      `the schema has no provider ${SOURCE}. Run \`terraform init\` in a directory that requires it, or give no directory.`,
    );
  }
  const provider = printed.provider_schemas[address];
  const resources = pick(provider.resource_schemas, types.resources, types.whenPresent.resources);
  const dataSources = pick(
    provider.data_source_schemas,
    types.dataSources,
    types.whenPresent.dataSources,
  );
  const missing = [...resources.missing, ...dataSources.missing.map((type) => `data.${type}`)];
  if (missing.length > 0) {
    throw new UserError(
      `the provider lacks ${missing.join(", ")}. Install a version that satisfies ${VERSION}, or take them out of ${TYPES_FILE} when nothing uses them.`,
    );
  }
  const kept = {
    provider: provider.provider,
    resource_schemas: resources.found,
    data_source_schemas: dataSources.found,
  };
  return {
    schema: tidy({ format_version: "1.0", provider_schemas: { [PROVIDER]: kept } }),
    skipped: [...resources.skipped, ...dataSources.skipped.map((type) => `data.${type}`)],
  };
}

function pick(schemas = {}, needed, whenPresent) {
  const absent = (type) => !(type in schemas);
  const names = [...needed, ...whenPresent].filter((type) => type in schemas);
  return {
    found: Object.fromEntries(names.map((type) => [type, schemas[type]])),
    missing: needed.filter(absent),
    skipped: whenPresent.filter(absent),
  };
}

function tidy(value) {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .filter((key) => !isDescription(key, value[key]))
      .sort()
      .map((key) => [key, tidy(value[key])]),
  );
}

// An attribute may itself be called "description"; its schema is an object, the text a string.
function isDescription(key, value) {
  return /^description(_kind)?$/.test(key) && typeof value === "string";
}

function writeWhole(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

module.exports = { trim };

if (require.main === module) run(refresh);
