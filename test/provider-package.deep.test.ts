import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { YandexProvider } from "@cdktf/provider-yandex/lib/provider";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeTerraform, terraformEnv } from "./cloud/terraform.ts";
import { ROOT } from "./support/sources.ts";
import { synth } from "./support/synth.ts";

const PACKAGE = join(ROOT, "packages", "provider-yandex");
const ADDRESS = "registry.terraform.io/yandex-cloud/yandex";

let scratch: string;
let copy: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "provider-package-"));
  copy = join(scratch, "package");
  for (const part of ["package.json", "tsconfig.json", "schema", "scripts"])
    cpSync(join(PACKAGE, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(scratch, "node_modules"));
});

afterEach(() => rmSync(scratch, { recursive: true, force: true }));

describe("exports", () => {
  test("a deep import loads that one type", () => {
    expect(loadedBy('require("@cdktf/provider-yandex/lib/message-queue").MessageQueue')).toEqual([
      "lib/message-queue/index.js",
    ]);
  });

  test("the index loads a type when it is first used", () => {
    expect(loadedBy('require("@cdktf/provider-yandex")')).toEqual(["lib/lazy-index.js"]);
    expect(loadedBy('require("@cdktf/provider-yandex").dnsZone.DnsZone')).toEqual([
      "lib/dns-zone/index.js",
      "lib/lazy-index.js",
    ]);
  });

  test("a native ES module may import deep too", () => {
    const code =
      'import { MessageQueue } from "@cdktf/provider-yandex/lib/message-queue"; console.log(MessageQueue.tfResourceType);';
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect(output).toBe("yandex_message_queue\n");
  });

  test("nothing outside of lib is importable", () => {
    const require = createRequire(import.meta.url);
    expect(() => require("@cdktf/provider-yandex/schema/yandex.json")).toThrow(
      "Package subpath './schema/yandex.json' is not defined",
    );
  });

  test("every listed type has a binding", () => {
    const { resources, dataSources } = readTypes();
    const expected = [
      "provider",
      ...resources.map((type) => type.replace("yandex_", "")),
      ...dataSources.map((type) => `data_${type}`),
    ].map((name) => name.replaceAll("_", "-"));

    const directories = readdirSync(join(PACKAGE, "lib"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);

    expect(directories.sort()).toEqual(expected.sort());
  });
});

test("a synthesized stack takes any provider from 0.220 on, below 1.0", () => {
  const { terraform } = synth((stack) => new YandexProvider(stack, "Provider"));
  expect(terraform.required_providers).toEqual({
    yandex: { source: "yandex-cloud/yandex", version: "~> 0.220" },
  });
});

describe("generate", () => {
  test("gives the same bindings with neither terraform nor a network", () => {
    const { status, stderr } = run("generate.cjs", [], nothingOnThePath());

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(readTree(join(copy, "lib"))).toEqual(readTree(join(PACKAGE, "lib")));
  });

  test.each([
    ["is missing", undefined, "FILE: missing. "],
    ["is no JSON", "{", "FILE: Expected property name or '}' in JSON at position 1"],
    ["is empty", "{}", `FILE: no provider of ${ADDRESS}. `],
    [
      "has no resources",
      JSON.stringify({ provider_schemas: { [ADDRESS]: { provider: {} } } }),
      `FILE: no resource_schemas of ${ADDRESS}. `,
    ],
    [
      "has no data sources",
      JSON.stringify({ provider_schemas: { [ADDRESS]: { provider: {}, resource_schemas: {} } } }),
      `FILE: no data_source_schemas of ${ADDRESS}. `,
    ],
  ])("names the file and the fix when the schema %s", (_, text, message) => {
    const file = join(copy, "schema", "yandex.json");
    rmSync(file);
    if (text !== undefined) writeFileSync(file, text);

    const { status, stderr } = run("generate.cjs");

    expect(status).toBe(1);
    expect(stderr).toContain(message.replace("FILE", file));
    expect(stderr).toContain(
      `Restore it with \`git checkout -- ${file}\`, or recreate it with \`npm run refresh -w @cdktf/provider-yandex\`.\n`,
    );
  });

  test("leaves the last bindings in place when the sources do not compile", () => {
    mkdirSync(join(copy, "lib"));
    writeFileSync(join(copy, "lib", "kept.js"), "");
    writeFileSync(join(copy, "tsconfig.json"), '{ "include": ["absent"] }');

    const { status, stderr } = run("generate.cjs");

    expect(status).toBe(1);
    expect(stderr).toContain("the generated sources do not compile (see above)");
    expect(readdirSync(join(copy, "lib"))).toEqual(["kept.js"]);
  });
});

describe("refresh", () => {
  test("writes the listed types of the installed provider, and generates", () => {
    const { status, stdout, stderr } = run("refresh.cjs", [], stubTerraform(newerSchema()));

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(calls()).toEqual(["init -input=false -no-color", "providers schema -json"]);
    expect(JSON.parse(readFileSync(join(scratch, "main.tf.json"), "utf8"))).toEqual({
      terraform: {
        required_providers: { yandex: { source: "yandex-cloud/yandex", version: "~> 0.220" } },
      },
    });
    expect(readdirSync(join(copy, "lib"))).toContain("serverless-container-iam-member");
    expect(stdout).toContain("not in this provider, left out: yandex_api_gateway_iam_member\n");
    const provider = readSchema().provider_schemas[ADDRESS];
    expect(Object.keys(provider.resource_schemas)).toEqual(
      [...readTypes().resources, "yandex_serverless_container_iam_member"].sort(),
    );
    expect(Object.keys(provider.data_source_schemas)).toEqual(readTypes().dataSources);
    expect(provider.resource_schemas.yandex_serverless_container_iam_member).toEqual({
      block: {
        attributes: {
          container_id: { required: true, type: "string" },
          description: { optional: true, type: ["object", { description: "string" }] },
        },
      },
    });
  });

  test("gives the committed schema, byte for byte, for the provider it was made from", () => {
    const committed = readFileSync(join(PACKAGE, "schema", "yandex.json"), "utf8");

    run("refresh.cjs", [], stubTerraform(JSON.parse(committed)));

    expect(readFileSync(join(copy, "schema", "yandex.json"), "utf8")).toBe(committed);
  });

  test("reads an initialized directory without a second init", () => {
    const environment = stubTerraform(newerSchema());
    mkdirSync(join(scratch, "stack"));

    const { status } = run("refresh.cjs", ["stack"], { ...environment, INIT_CWD: scratch });

    expect(status).toBe(0);
    expect(calls()).toEqual(["providers schema -json"]);
  });

  test("says what is missing when there is no terraform", () => {
    const { status, stderr } = run("refresh.cjs", [], nothingOnThePath());
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^terraform \(or .*\) is not there\. Install Terraform 1\.5 or later, or name another binary in TERRAFORM_BINARY_NAME\.\n$/,
    );
  });

  test("passes on what terraform said when it fails", () => {
    const { status, stderr } = run("refresh.cjs", [], {
      ...stubTerraform(newerSchema()),
      STUB_FAILS: "no such provider",
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^`terraform init -input=false -no-color` failed in .*:\nno such provider\n$/,
    );
  });

  test("refuses a directory that requires another provider", () => {
    expectRefusal({ provider_schemas: {} }, [
      "the schema has no provider yandex-cloud/yandex. Run `terraform init` in a directory that requires it, or give no directory.",
    ]);
  });

  test("refuses a provider that lacks a listed type", () => {
    const schema = newerSchema();
    const provider = Object.values(schema.provider_schemas)[0];
    delete provider?.resource_schemas.yandex_dns_zone;
    delete provider?.data_source_schemas.yandex_message_queue;
    expectRefusal(schema, [
      "the provider lacks yandex_dns_zone, data.yandex_message_queue. Install a version that satisfies ~> 0.220, or take them out of ",
      "types.json when nothing uses them.",
    ]);
  });

  test("explains itself", () => {
    const { status, stdout } = run("refresh.cjs", ["--help"]);
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: npm run refresh -w @cdktf/provider-yandex [-- <directory>]");
  });

  function expectRefusal(schema: unknown, messages: readonly string[]) {
    const before = readFileSync(join(copy, "schema", "yandex.json"), "utf8");
    const { status, stderr } = run("refresh.cjs", [], stubTerraform(schema));
    expect(status).toBe(1);
    for (const message of messages) expect(stderr).toContain(message);
    expect(readFileSync(join(copy, "schema", "yandex.json"), "utf8")).toBe(before);
  }
});

describeTerraform("refresh with a real terraform", () => {
  test("gives the same bindings for the provider that the committed schema was made from", () => {
    writeFileSync(join(copy, "schema", "yandex.json"), "{}");

    const { status, stderr } = run("refresh.cjs", [], terraformEnv(join(scratch, "cloud")));

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(readTree(join(copy, "lib"))).toEqual(readTree(join(PACKAGE, "lib")));
  });
});

interface ProviderSchema {
  provider: unknown;
  resource_schemas: Record<string, unknown>;
  data_source_schemas: Record<string, unknown>;
}

interface Schema {
  provider_schemas: Record<string, ProviderSchema>;
}

function readSchema(): Record<"provider_schemas", Record<typeof ADDRESS, ProviderSchema>> {
  return JSON.parse(readFileSync(join(copy, "schema", "yandex.json"), "utf8"));
}

function readTypes(): { resources: string[]; dataSources: string[] } {
  return JSON.parse(readFileSync(join(PACKAGE, "schema", "types.json"), "utf8"));
}

/** The committed schema as a newer provider would print it, from a registry mirror. */
function newerSchema(): Schema {
  const provider = structuredClone(readSchema().provider_schemas[ADDRESS]);
  provider.resource_schemas.yandex_unrelated = { block: {} };
  provider.resource_schemas.yandex_serverless_container_iam_member = {
    block: {
      description_kind: "plain",
      attributes: {
        description: {
          type: ["object", { description: "string" }],
          description: "Of the grant",
          optional: true,
        },
        container_id: { type: "string", description: "Container", required: true },
      },
      description: "Grants a role",
    },
  };
  return { provider_schemas: { "mirror.example/yandex-cloud/yandex": provider } };
}

/** The files of the package that a piece of CommonJS code loads. */
function loadedBy(code: string): string[] {
  const print = `${code}; console.log(JSON.stringify(Object.keys(require.cache)))`;
  const output = execFileSync(process.execPath, ["-e", print], { cwd: ROOT, encoding: "utf8" });
  return (JSON.parse(output) as string[])
    .map((file) => relative(PACKAGE, file))
    .filter((file) => file.startsWith("lib"))
    .sort();
}

function run(script: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [join(copy, "scripts", script), ...args], {
    cwd: copy,
    encoding: "utf8",
    env: { ...process.env, TERRAFORM_BINARY_NAME: "", ...env },
  });
}

function nothingOnThePath(): NodeJS.ProcessEnv {
  const nowhere = "http://127.0.0.1:9";
  return {
    PATH: scratch,
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    http_proxy: nowhere,
    https_proxy: nowhere,
  };
}

/** Puts a `terraform` on the PATH that prints the given schema and notes how it was called. */
function stubTerraform(schema: unknown): NodeJS.ProcessEnv {
  const bin = join(scratch, "bin");
  mkdirSync(bin);
  writeFileSync(join(scratch, "printed.json"), JSON.stringify(schema));
  writeFileSync(
    join(bin, "terraform"),
    `#!/bin/sh
echo "$*" >> '${scratch}/calls'
if [ -n "$STUB_FAILS" ]; then echo "$STUB_FAILS" >&2; exit 1; fi
case "$1" in
  init) cp main.tf.json '${scratch}/main.tf.json' ;;
  providers) cat '${scratch}/printed.json' ;;
esac
`,
  );
  chmodSync(join(bin, "terraform"), 0o755);
  return { PATH: `${bin}:${process.env.PATH}` };
}

function calls(): string[] {
  return readFileSync(join(scratch, "calls"), "utf8").trim().split("\n");
}

function readTree(directory: string): Record<string, string> {
  const files = (readdirSync(directory, { recursive: true }) as string[]).filter((file) =>
    statSync(join(directory, file)).isFile(),
  );
  return Object.fromEntries(
    files.map((file) => [file, readFileSync(join(directory, file), "utf8")]),
  );
}
