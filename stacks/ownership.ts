import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Aspects, TerraformResource, type TerraformStack, TerraformVariable } from "cdktf";
import type { IConstruct } from "constructs";
import { makeStageDirectory, stageDirectory } from "./locations.ts";
import type { Settings } from "./settings.ts";

/** The file that holds the id of a stage's state, named so that Terraform reads it. */
const STATE_ID_FILE = "state-id.auto.tfvars.json";
const VARIABLE = "state_id";

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

/**
 * Labels everything in a stack that can be labelled, so that a deploy knows what an unfinished run of
 * its own has made. The id of the state is a variable: the same sources write the same Terraform on
 * every machine, while a local state is one machine's own.
 */
export function labelResources(stack: TerraformStack, settings: Settings): void {
  const id = new TerraformVariable(stack, "StateId", {
    type: "string",
    nullable: false,
    default: "",
    description: `Tells this state's resources from another's, as the label '${STATE_LABEL}'. \`npm run synth\` remembers it`,
  });
  id.overrideLogicalId(VARIABLE);
  const labels = { ...ownLabels(settings), [STATE_LABEL]: id.stringValue };
  const description = describeMaker(id.stringValue);
  Aspects.of(stack).add({
    visit(node) {
      label(node, labels);
      describe(node, description);
    },
  });
}

/** Puts the id of a stage's state beside each of its stacks; a local state gets one here. */
export function provideStateId(stackDirectories: readonly string[], settings: Settings): void {
  const file = join(makeStageDirectory(settings.stage), STATE_ID_FILE);
  const id = stateIdOf(settings) || randomBytes(6).toString("hex");
  const text = JSON.stringify({ [VARIABLE]: id });
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
    const id = JSON.parse(readFileSync(file, "utf8"))[VARIABLE];
    return typeof id === "string" && /^[0-9a-f]{12}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

interface Labelled {
  labels: Readonly<Record<string, string>>;
  readonly labelsInput: Readonly<Record<string, string>> | undefined;
}

function label(node: IConstruct, labels: Readonly<Record<string, string>>): void {
  if (!TerraformResource.isTerraformResource(node) || !("labelsInput" in node)) return;
  const resource = node as unknown as Labelled;
  resource.labels = { ...labels, ...resource.labelsInput };
}

const DESCRIBED = ["yandex_iam_service_account_static_access_key", "yandex_lockbox_secret_version"];

interface Describable {
  description: string;
  readonly descriptionInput: string | undefined;
}

// Another text makes another key, so that it is written on new ones only.
function describe(node: IConstruct, description: string): void {
  if (!TerraformResource.isTerraformResource(node)) return;
  if (!DESCRIBED.includes(node.terraformResourceType)) return;
  const resource = node as unknown as Describable;
  if (resource.descriptionInput !== undefined) return;
  resource.description = description;
  node.lifecycle = { ...node.lifecycle, ignoreChanges: ["description"] };
}
