import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  extendsLock,
  LOCK_FILE,
  mergeLocks,
  oldestTerraform,
} from "../../stacks/terraform-files.ts";
import { ROOT } from "../support/sources.ts";

const committed = readFileSync(join(ROOT, LOCK_FILE), "utf8");
const block = (version: string, ...hashes: string[]) =>
  `provider "registry.terraform.io/yandex-cloud/yandex" {
  version     = "${version}"
  constraints = "~> 0.220"
${hashes.length > 0 ? `  hashes = [\n${hashes.map((hash) => `    "${hash}",\n`).join("")}  ]\n` : ""}}
`;

describe("the committed lock", () => {
  test("names one version, the one that the bindings were made from, for both registries", () => {
    const { version } = JSON.parse(
      readFileSync(join(ROOT, "packages/provider-yandex/package.json"), "utf8"),
    );
    const locked = [
      ...committed.matchAll(/^provider "(.*)\/yandex-cloud\/yandex"|version += "(.*)"/gm),
    ];

    expect(locked.map(([, host, number]) => host ?? number)).toEqual([
      "registry.opentofu.org",
      version,
      "registry.terraform.io",
      version,
    ]);
  });
});

describe("extendsLock", () => {
  test.each<[string, string, string, boolean]>([
    ["is the same", block("0.220.0"), block("0.220.0"), true],
    ["has checksums of its own besides", block("0.220.0", "h1:a"), block("0.220.0"), true],
    ["lacks a checksum", block("0.220.0", "h1:a"), block("0.220.0", "h1:a", "zh:b"), false],
    ["has another version", block("0.221.0"), block("0.220.0"), false],
    ["is empty", "", block("0.220.0"), false],
  ])("of a lock that %s", (_, lock, wanted, expected) => {
    expect(extendsLock(lock, wanted)).toBe(expected);
  });
});

describe("mergeLocks", () => {
  test("takes what a stack's lock says, and keeps comment and the other registry", () => {
    const merged = mergeLocks(committed, `# made by init\n\n${block("0.221.0", "h1:a")}`);

    expect(merged).toContain("npm run lock");
    expect(merged).toContain(
      '"registry.opentofu.org/yandex-cloud/yandex" {\n  version     = "0.220.0"',
    );
    expect(merged).toContain(block("0.221.0", "h1:a"));
    expect(merged).not.toContain("made by init");
  });

  test("changes nothing where nothing is new", () => {
    expect(mergeLocks(committed, committed)).toBe(committed);
  });
});

test("a state in a bucket needs the Terraform that locks it there", () => {
  expect([oldestTerraform(true), oldestTerraform(false)]).toEqual(["1.5", "1.10"]);
});
