import { Aspects, TerraformResource, type TerraformStack, TerraformVariable } from "cdktf";
import type { IConstruct } from "constructs";
import { describeMaker, ownLabels, STATE_ID_VARIABLE, STATE_LABEL } from "./ownership.ts";
import type { Settings } from "./settings.ts";

/**
 * Labels every resource of a stack that can have labels, so that a deploy recognizes what an
 * unfinished run of its own created. The id of the state is a variable: the same sources write the same Terraform on
 * every machine, while a local state is one machine's own.
 */
export function labelResources(stack: TerraformStack, settings: Settings): void {
  const id = stateIdIn(stack);
  const labels = { ...ownLabels(settings), [STATE_LABEL]: id };
  const description = describeMaker(id);
  Aspects.of(stack).add({
    visit(node) {
      label(node, labels);
      describe(node, description);
    },
  });
}

/** The id of the state: 12 hexadecimal digits that Terraform fills in. */
export function stateIdIn(stack: TerraformStack): string {
  const found = stack.node.tryFindChild("StateId");
  return (found instanceof TerraformVariable ? found : defineStateId(stack)).stringValue;
}

function defineStateId(stack: TerraformStack): TerraformVariable {
  const id = new TerraformVariable(stack, "StateId", {
    type: "string",
    nullable: false,
    default: "",
    description: `Tells this state's resources from another's, as the label '${STATE_LABEL}'. \`npm run synth\` remembers it`,
  });
  id.overrideLogicalId(STATE_ID_VARIABLE);
  return id;
}

interface Labeled {
  labels: Readonly<Record<string, string>>;
  readonly labelsInput: Readonly<Record<string, string>> | undefined;
}

function label(node: IConstruct, labels: Readonly<Record<string, string>>): void {
  if (canHaveLabels(node)) node.labels = { ...labels, ...node.labelsInput };
}

function canHaveLabels(node: IConstruct): node is TerraformResource & Labeled {
  return TerraformResource.isTerraformResource(node) && "labelsInput" in node;
}

const DESCRIBED = ["yandex_iam_service_account_static_access_key", "yandex_lockbox_secret_version"];

interface Describable {
  description: string;
  readonly descriptionInput: string | undefined;
}

// A changed description replaces a key, so only new ones get it.
function describe(node: IConstruct, description: string): void {
  if (!isDescribed(node) || node.descriptionInput !== undefined) return;
  node.description = description;
  const { ignoreChanges = [] } = node.lifecycle ?? {};
  if (ignoreChanges === "all") return;
  node.lifecycle = { ...node.lifecycle, ignoreChanges: [...ignoreChanges, "description"] };
}

function isDescribed(node: IConstruct): node is TerraformResource & Describable {
  return (
    TerraformResource.isTerraformResource(node) && DESCRIBED.includes(node.terraformResourceType)
  );
}
