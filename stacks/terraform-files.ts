import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "./settings.ts";

/** Versions and checksums of the providers, for every stack; committed. */
export const LOCK_FILE = "terraform.lock.hcl";
/** The same under the name that Terraform and cdktf look for. */
export const STACK_LOCK_FILE = ".terraform.lock.hcl";

const BLOCK = /^provider "([^"]+)" \{\n(.*?)^\}\n/gms;

/**
 * Writes beside a stack what Terraform wants in files of their own: the provider lock, and the
 * Terraform version. The latter would fit into `cdk.tf.json`, but checkov could not read that.
 */
export function provideTerraformFiles(directory: string, settings: Settings): void {
  const version = oldestTerraform(settings.backend.type === "local");
  const text = `terraform {\n  required_version = ">= ${version}"\n}\n`;
  writeFileSync(join(directory, "versions.tf"), text);
  const lock = join(directory, STACK_LOCK_FILE);
  const committed = readFileSync(LOCK_FILE, "utf8");
  // `terraform init` adds checksums to its copy; what is in it already would be asked for again.
  if (!existsSync(lock) || !extendsLock(readFileSync(lock, "utf8"), committed)) {
    writeFileSync(lock, committed);
  }
}

/**
 * The oldest Terraform that a stack works with: plantimestamp() and terraform_data are as old as 1.5, S3
 * lock files as 1.10.
 */
export function oldestTerraform(localState: boolean): string {
  return localState ? "1.5" : "1.10";
}

/** Whether a lock has a provider of the committed lock, and every line about those it has. */
export function extendsLock(lock: string, committed: string): boolean {
  const wanted = parseLock(committed);
  const held = [...parseLock(lock)].filter(([name]) => wanted.has(name));
  return (
    held.length > 0 &&
    held.every(([name, lines]) => wanted.get(name)?.every((line) => lines.includes(line)))
  );
}

/** The committed lock with what a stack's says, whose Terraform may know fewer registries. */
export function mergeLocks(committed: string, lock: string): string {
  const blocks = new Map([...blocksOf(committed), ...blocksOf(lock)]);
  const [comment = ""] = committed.split(/^provider /m);
  return (
    comment +
    [...blocks.keys()]
      .sort()
      .map((name) => blocks.get(name))
      .join("\n")
  );
}

/** A lock's providers, each with the lines about it. */
function parseLock(text: string): Map<string, string[]> {
  return new Map(
    [...text.matchAll(BLOCK)].map(([, name = "", body = ""]) => [
      name,
      body
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "" && line !== "hashes = [" && line !== "]"),
    ]),
  );
}

function blocksOf(text: string): [string, string][] {
  return [...text.matchAll(BLOCK)].map(([block, name = ""]) => [name, block]);
}
