import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeStageDirectory, stageDirectory } from "./locations.ts";
import type { Settings } from "./settings.ts";

/** The file that holds the id of a stage's state, named so that Terraform reads it. */
const STATE_ID_FILE = "state-id.auto.tfvars.json";
export const STATE_ID_VARIABLE = "state_id";

/** Labels of everything that belongs to a stage. */
export function ownLabels({ project, stage }: Pick<Settings, "project" | "stage">) {
  return { "managed-by": project, stage: stage ?? "default" };
}

/** What is written on things that have no labels. */
export function describeMaker(stateId: string): string {
  return `Made by a deploy with state ${stateId}, which removes it when nothing uses it`;
}

/** The label that tells which state a thing belongs to, where two states use one name. */
export const STATE_LABEL = "state";

/** Puts the id of a stage's state beside each of its stacks. */
export function provideStateId(stackDirectories: readonly string[], settings: Settings): void {
  stateIdOf(settings);
  const remembered = join(stageDirectory(settings.stage), STATE_ID_FILE);
  for (const directory of stackDirectories)
    copyFileSync(remembered, join(directory, STATE_ID_FILE));
}

/**
 * The id of a stage's state: of a state in a bucket, the same for everyone who uses it; of a local
 * one, made at first and kept beside it.
 */
export function stateIdOf({ backend, stage }: Settings, root = "."): string {
  const file = join(makeStageDirectory(stage, root), STATE_ID_FILE);
  const kept = existsSync(file) ? readId(file) : undefined;
  const id =
    backend.type === "s3"
      ? hash(`${backend.endpoint} ${backend.bucket} ${backend.prefix} ${stage ?? ""}`)
      : (kept ?? randomBytes(6).toString("hex"));
  if (id !== kept)
    writeFileSync(file, JSON.stringify({ [STATE_ID_VARIABLE]: id }), { mode: 0o600 });
  return id;
}

function readId(file: string): string | undefined {
  try {
    const id = JSON.parse(readFileSync(file, "utf8"))[STATE_ID_VARIABLE];
    return typeof id === "string" && /^[0-9a-f]{12}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
