import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Config } from "../stacks/config-schema.ts";
import { copySources, ROOT } from "./support/sources.ts";

const MODULES = join(ROOT, "node_modules");
const BINDINGS = join("@cdktf", "provider-yandex");

/** Every optional part of the stacks at once. */
const EVERYTHING: Config = {
  project: "shop",
  celeryApp: "shop.celery:app",
  backend: { type: "s3", bucket: "shop-state" },
  trigger: "terraform",
  env: { DJANGO_SETTINGS_MODULE: "shop.settings" },
  secrets: { SENTRY_DSN: { secretId: "e6q000000000000000aa", key: "dsn" } },
  domain: {
    fqdn: "shop.example.com",
    dns: { zoneId: "dns00000000000000000", zone: "example.com" },
  },
  schedule: "schedule.json",
  staticBucket: "shop-static",
  networkId: "enp00000000000000000",
  stages: { production: { domain: false, staticBucket: false } },
};
const SCHEDULE = {
  version: 1,
  timers: [{ name: "clean-up", cron: "0 3 ? * * *", payload: '{"task":"shop.tasks.clean_up"}' }],
};

let scratch: string;
let underCdktf: string;
let underCdktn: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "cdktn-"));
  underCdktf = layOut("cdktf");
  underCdktn = layOut("cdktn");
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("the same sources under cdktn", () => {
  test("run on cdktn, bindings too", () => {
    expect(frameworkOf(underCdktf)).toEqual({ name: "cdktf", bindings: "cdktf" });
    expect(frameworkOf(underCdktn)).toEqual({ name: "cdktn", bindings: "cdktn" });
  });

  test.each([
    ["with the committed configuration", undefined, undefined, ["app", "registry"]],
    ["with everything configured", EVERYTHING, undefined, ["app", "domain", "registry"]],
    ["in a stage", EVERYTHING, "production", ["app-production", "registry-production"]],
  ])("synthesize the same %s", (_, config, stage, stacks) => {
    const expected = synthesize(underCdktf, config, stage);
    const actual = synthesize(underCdktn, config, stage);

    expect(Object.keys(expected)).toEqual(stacks);
    expect(actual).toEqual(expected);
  });
});

/**
 * Copies the sources of the project, and links its packages in such a way that `cdktf` is the given
 * framework for the sources and for the bindings.
 */
function layOut(framework: "cdktf" | "cdktn"): string {
  const project = join(scratch, framework);
  copySources(project);
  writeFileSync(join(project, "schedule.json"), JSON.stringify(SCHEDULE));

  const modules = join(project, "node_modules");
  for (const name of packageNames()) {
    mkdirSync(join(modules, name, ".."), { recursive: true });
    symlinkSync(join(MODULES, name === "cdktf" ? framework : name), join(modules, name));
  }
  // A link would resolve to the project's own folder, and from there to the project's own cdktf.
  for (const part of ["package.json", "lib"])
    cpSync(join(ROOT, "packages", "provider-yandex", part), join(modules, BINDINGS, part), {
      recursive: true,
    });
  return project;
}

function packageNames(): string[] {
  return readdirSync(MODULES)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@")
        ? readdirSync(join(MODULES, name)).map((inner) => join(name, inner))
        : [name],
    )
    .filter((name) => name !== BINDINGS);
}

function frameworkOf(project: string): unknown {
  const code = `
    const { createRequire } = require("node:module");
    const bindings = require.resolve("${BINDINGS}/lib/provider");
    console.log(JSON.stringify({
      name: require("cdktf/package.json").name,
      bindings: createRequire(bindings)("cdktf/package.json").name,
    }));`;
  return JSON.parse(
    execFileSync(process.execPath, ["-e", code], { cwd: project, encoding: "utf8" }),
  );
}

/** Stack name to what Terraform reads, without the framework's own version. */
function synthesize(project: string, config?: Config, stage = ""): Record<string, unknown> {
  const output = join(project, "cdktf.out");
  rmSync(output, { recursive: true, force: true });
  if (config) {
    writeFileSync(join(project, "config.ts"), `export const config = ${JSON.stringify(config)};\n`);
  } else {
    cpSync(join(ROOT, "config.ts"), join(project, "config.ts"));
  }
  execFileSync(process.execPath, ["run.mjs", "main.ts"], {
    cwd: project,
    env: { ...process.env, STAGE: stage, CDKTF_OUTDIR: output },
  });
  const stacks = join(output, "stacks");
  return Object.fromEntries(
    readdirSync(stacks)
      .sort()
      .map((stack) => [stack, readStack(join(stacks, stack, "cdk.tf.json"))]),
  );
}

function readStack(file: string): unknown {
  const { "//": about, ...terraform } = JSON.parse(readFileSync(file, "utf8"));
  const { version, ...metadata } = about.metadata;
  expect(version).toBeTypeOf("string");
  return { ...terraform, metadata };
}
