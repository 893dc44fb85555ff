import { resolve } from "node:path";
import { childEnvironment } from "../shell/child-environment.ts";
import type { System } from "../shell/system.ts";

const TIMEOUT_SECONDS = 20;
const TAG = /^commit-(?<commit>[0-9a-f]{7,40}(?:-dirty)?)-/;

/**
 * The commit that a folder is at: 12 hex digits, with `-dirty` after them where files of the folder
 * are not committed. `undefined` outside of a repository, and without git.
 */
export async function findCommit(system: System, folder: string): Promise<string | undefined> {
  const git = (...args: string[]) =>
    system.run("git", ["-C", resolve(system.root, folder), ...args], {
      env: childEnvironment(system.env, "git"),
      timeoutSeconds: TIMEOUT_SECONDS,
    });
  const head = await git("rev-parse", "--short=12", "HEAD");
  const commit = head.stdout.trim();
  if (head.exitCode !== 0 || !/^[0-9a-f]{7,40}$/.test(commit)) return undefined;
  const status = await git("status", "--porcelain", "--", ".");
  return status.exitCode === 0 && status.stdout.trim() === "" ? commit : `${commit}-dirty`;
}

/** The tag that says which commit an image was built from. With the other tag in it, it never moves. */
export function commitTag(commit: string, tag: string): string {
  return `commit-${commit}-${tag}`;
}

/** The commit that an image's tags name, if any. */
export function commitOf(tags: readonly string[]): string | undefined {
  return tags.flatMap((tag) => TAG.exec(tag)?.groups?.commit ?? []).at(0);
}
