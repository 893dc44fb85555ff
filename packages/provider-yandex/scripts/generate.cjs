// Generates src/ and lib/ from schema/yandex.json. Needs neither terraform nor a network.
const { spawnSync } = require("node:child_process");
const { cpSync, mkdtempSync, readFileSync, rmSync } = require("node:fs");
const Module = require("node:module");
const { tmpdir } = require("node:os");
const { dirname, join } = require("node:path");

const packageRoot = join(__dirname, "..");
const SCHEMA_FILE = join(packageRoot, "schema", "yandex.json");
const PROVIDER = "registry.terraform.io/yandex-cloud/yandex";
const SOURCE = "yandex-cloud/yandex";
const VERSION = "~> 0.220";
const REFRESH = "npm run refresh -w @cdktf/provider-yandex";

async function generate() {
  const schema = readSchema(SCHEMA_FILE);
  const work = mkdtempSync(join(tmpdir(), "provider-yandex-"));
  try {
    await generateSources(schema, work);
    replaceTree(join(work, "providers", "yandex"), join(packageRoot, "src"));
    compile(join(work, "lib"));
    replaceTree(join(work, "lib"), join(packageRoot, "lib"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function readSchema(file) {
  let schema;
  try {
    schema = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(
      `${file}: ${error.code === "ENOENT" ? "missing" : error.message}. ${restore(file)}`,
    );
  }
  const provider = schema?.provider_schemas?.[PROVIDER];
  for (const part of ["provider", "resource_schemas", "data_source_schemas"]) {
    if (!provider?.[part])
      throw new UserError(`${file}: no ${part} of ${PROVIDER}. ${restore(file)}`);
  }
  return schema;
}

function restore(file) {
  return `Restore it with \`git checkout -- ${file}\`, or recreate it with \`${REFRESH}\`.`;
}

async function generateSources(schema, outDir) {
  stubJsii();
  // @cdktf/commons asks terraform for its version when it is loaded; a name that does not exist keeps it quiet.
  process.env.TERRAFORM_BINARY_NAME = "terraform-is-not-needed";
  // The generator reports each run to its maker otherwise.
  process.env.CHECKPOINT_DISABLE = "1";
  const { ConstructsMakerProviderTarget, Language } = require("@cdktf/commons");
  const {
    CodeMaker,
    TerraformProviderConstraint,
    TerraformProviderGenerator,
  } = require("@cdktf/provider-generator");
  const generator = new TerraformProviderGenerator(new CodeMaker(), schema);
  // The constraint must travel with the target, or the bindings carry no version at all.
  const constraint = new TerraformProviderConstraint(`${SOURCE}@${VERSION}`);
  generator.generate(new ConstructsMakerProviderTarget(constraint, Language.TYPESCRIPT));
  await generator.save(outDir);
}

// The generator imports jsii for other languages without declaring it; TypeScript bindings never run it.
function stubJsii() {
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, ...rest) {
    return /^jsii(-pacmak)?\/bin\//.test(request)
      ? __filename
      : resolve.call(this, request, ...rest);
  };
}

function compile(outDir) {
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  const args = [tsc, "-p", packageRoot, "--outDir", outDir];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) {
    throw new UserError(
      `${packageRoot}: the generated sources do not compile (see above). ${restore(SCHEMA_FILE)}`,
    );
  }
}

// Copied, not moved: the temporary directory may be another file system.
function replaceTree(from, to) {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

/** A problem whose message says all there is to say. */
class UserError extends Error {}

/** Runs an entry point of this package; a user's problem is printed without a stack. */
function run(main) {
  main().catch((error) => {
    console.error(error instanceof UserError ? error.message : error);
    process.exitCode = 1;
  });
}

module.exports = { generate, run, UserError, SCHEMA_FILE, PROVIDER, SOURCE, VERSION };

if (require.main === module) run(generate);
