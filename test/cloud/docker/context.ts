import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DockerError } from "./command.ts";

/** What a build sees of a folder: paths from its root, without what `.dockerignore` names. */
export function contextFiles(root: string): string[] {
  const ignored = ignoreRules(root);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(root, path), { throwIfNoEntry: false })?.isFile())
    .filter((path) => !ignored(path))
    .sort();
}

/** One hash over names and contents: the same sources give the same digest. */
export function hashFiles(
  hash: ReturnType<typeof createHash>,
  root: string,
  files: readonly string[],
): void {
  for (const file of files) {
    hash.update(`${file}\0`).update(
      createHash("sha256")
        .update(readFileSync(join(root, file)))
        .digest(),
    );
  }
}

/** Fails, as the real build does, on a COPY whose source is not in its context. */
export function checkCopies(dockerfile: string, contexts: ReadonlyMap<string, string>): void {
  const lines = dockerfile.replace(/\\\r?\n/g, " ").split(/\r?\n/);
  for (const line of lines) {
    const [, words] = /^\s*(?:COPY|ADD)\s+(.+)$/i.exec(line) ?? [];
    if (words !== undefined) checkCopy(words.trim().split(/\s+/), contexts);
  }
}

function checkCopy(words: readonly string[], contexts: ReadonlyMap<string, string>): void {
  const from = words.find((word) => word.startsWith("--from="))?.slice("--from=".length) ?? "";
  const root = contexts.get(from);
  // Another stage or image: there is nothing here to look into.
  if (root === undefined) return;
  const files = contextFiles(root);
  const sources = words.filter((word) => !word.startsWith("--")).slice(0, -1);
  for (const source of sources.filter((source) => !/[$<[*?]|:\/\//.test(source))) {
    const path = source.replace(/^\.?\/+|^\.$/, "").replace(/\/+$/, "");
    const there = path === "" || files.some((file) => file === path || file.startsWith(`${path}/`));
    if (!there) {
      throw new DockerError(
        "failed to build: failed to solve: failed to compute cache key: " +
          `failed to calculate checksum of ref: "/${path}": not found`,
      );
    }
  }
}

function ignoreRules(root: string): (path: string) => boolean {
  const file = join(root, ".dockerignore");
  const lines = existsSync(file) ? readFileSync(file, "utf8").split(/\r?\n/) : [];
  const rules = lines
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ keep: line.startsWith("!"), pattern: toPattern(line.replace(/^!/, "")) }));
  return (path) =>
    rules.reduce((ignored, { keep, pattern }) => (pattern.test(path) ? !keep : ignored), false);
}

function toPattern(glob: string): RegExp {
  const source = glob
    .replace(/^\/|\/$/g, "")
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replace(/\*\*\/?|\*|\?/g, (wild) =>
      wild.startsWith("**") ? "(?:.*/)?" : wild === "*" ? "[^/]*" : "[^/]",
    );
  return new RegExp(`^${source}(?:/|$)`);
}
