// Generates lib/ from schema/yandex.json. Needs neither terraform nor a network.
const {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  cpSync,
} = require("node:fs");
const { spawnSync } = require("node:child_process");
const Module = require("node:module");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const packageRoot = join(__dirname, "..");
const CONSTRAINT = "yandex-cloud/yandex@~> 0.220";

async function main() {
  const schema = JSON.parse(readFileSync(join(packageRoot, "schema", "yandex.json"), "utf8"));
  const work = mkdtempSync(join(tmpdir(), "provider-yandex-"));
  try {
    await generateSources(schema, work);
    const source = join(packageRoot, "src");
    rmSync(source, { recursive: true, force: true });
    cpSync(join(work, "providers", "yandex"), source, { recursive: true });
    compile();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function generateSources(schema, outDir) {
  stubJsii();
  // @cdktf/commons asks terraform for its version when it is loaded; a name that does not exist keeps it quiet.
  process.env.TERRAFORM_BINARY_NAME = "terraform-is-not-needed";
  const { ConstructsMakerProviderTarget, Language } = require("@cdktf/commons");
  const {
    CodeMaker,
    TerraformProviderConstraint,
    TerraformProviderGenerator,
  } = require("@cdktf/provider-generator");
  const generator = new TerraformProviderGenerator(new CodeMaker(), schema);
  // The constraint must travel with the target, or the bindings carry no version at all.
  const constraint = new TerraformProviderConstraint(CONSTRAINT);
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

function compile() {
  rmSync(join(packageRoot, "lib"), { recursive: true, force: true });
  const tsc = require.resolve("typescript/bin/tsc");
  const result = spawnSync(process.execPath, [tsc, "-p", packageRoot], { stdio: "inherit" });
  if (result.status !== 0) process.exit(1);
}

if (require.main === module) main();
