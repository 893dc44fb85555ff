import { chmodSync, mkdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { StateLocation } from "../constructs/configure-stack.ts";
import { type Settings, type StackKind, stackId } from "./settings.ts";

/** The directory of a stage's local state and of what its commands remember. */
export function stageDirectory(stage: string | undefined): string {
  return join(".state", stage ?? "default");
}

/**
 * Creates that directory in a project, readable by its owner only: Terraform writes a state that
 * everyone on the machine could read, and the state may hold a key.
 */
export function makeStageDirectory(stage: string | undefined, root = "."): string {
  const directory = join(root, stageDirectory(stage));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(dirname(directory), 0o700);
  chmodSync(directory, 0o700);
  return directory;
}

/** Where synthesis writes, which cdktf takes from the environment, too. */
export function synthesisDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return env.CDKTF_OUTDIR || "cdktf.out";
}

/** The way from where Terraform runs for a stack back to the project. */
export function pathToProject(synthesis: string, id: string): string {
  return relative(stackDirectory(synthesis, id), ".");
}

/** The directory, in that of a synthesis, in which Terraform runs for a stack. */
export function stackDirectory(synthesis: string, id: string): string {
  return join(synthesis, "stacks", id);
}

/**
 * Where a stack's state is kept. A local path is relative to where Terraform runs, so that every
 * machine renders the same.
 *
 * @param synthesis the directory that synthesis writes to
 */
export function stateLocation(
  settings: Settings,
  kind: StackKind,
  synthesis: string,
): StateLocation {
  const { backend, stage } = settings;
  if (backend.type === "local") {
    const directory = stackDirectory(synthesis, stackId(kind, stage));
    return { path: relative(directory, join(stageDirectory(stage), `${kind}.tfstate`)) };
  }
  const { bucket, endpoint, region, prefix } = backend;
  return { bucket, endpoint, region, key: `${prefix}/${stage ?? "default"}/${kind}.tfstate` };
}
