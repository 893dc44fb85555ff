import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeStageDirectory, stageDirectory } from "./directories.ts";
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

/** Puts the id of a stage's state beside each of its stacks; a local state gets one here. */
export function provideStateId(stackDirectories: readonly string[], settings: Settings): void {
  const file = join(makeStageDirectory(settings.stage), STATE_ID_FILE);
  const id = stateIdOf(settings) || randomBytes(6).toString("hex");
  const text = JSON.stringify({ [STATE_ID_VARIABLE]: id });
  for (const place of [file, ...stackDirectories.map((stack) => join(stack, STATE_ID_FILE))]) {
    writeFileSync(place, text, { mode: 0o600 });
  }
}

/**
 * The id of a stage's state: of a state in a bucket, the same for everyone who uses it; of a local
 * one, kept beside it. Empty before the first synth.
 */
export function stateIdOf({ backend, stage }: Settings, root = "."): string {
  if (backend.type === "s3") {
    return hash(`${backend.endpoint} ${backend.bucket} ${backend.prefix} ${stage ?? ""}`);
  }
  return readId(join(root, stageDirectory(stage), STATE_ID_FILE)) ?? "";
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
