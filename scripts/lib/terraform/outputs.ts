import * as v from "valibot";
import {
  appOutputsSchema,
  type DomainOutputs,
  domainOutputsSchema,
  type RegistryOutputs,
  registryOutputsSchema,
} from "../../../stacks/outputs.ts";
import { UserError } from "../shell/user-error.ts";

/** Without what is for the local cloud and for people. */
const deployedSchema = v.omit(appOutputsSchema, ["local", "next_steps"]);

/** What a deployed stack `app` says about itself. */
export type DeployedApp = v.InferOutput<typeof deployedSchema>;

/** The outputs of a stack, by name. */
export type Outputs = Readonly<Record<string, unknown>>;

/** @throws UserError if the stage is not deployed, or was by another version of this project */
export function parseAppOutputs(outputs: Outputs): DeployedApp {
  if (outputs.url === undefined) {
    throw new UserError("Nothing is deployed in this stage. Run `npm run deploy` first.");
  }
  return parse(deployedSchema, outputs, "app");
}

/** @throws UserError if there is no registry in the stage */
export function parseRegistryOutputs(outputs: Outputs): RegistryOutputs {
  if (outputs.repository === undefined) {
    throw new UserError("There is no registry in this stage yet. Run `npm run deploy` first.");
  }
  return parse(registryOutputsSchema, outputs, "registry");
}

/** Returns `undefined` before the stack `domain` was applied. */
export function parseDomainOutputs(outputs: Outputs): DomainOutputs | undefined {
  if (outputs.certificate_id === undefined) return undefined;
  return parse(domainOutputsSchema, outputs, "domain");
}

/** Returns the triggers of the stack `app`: none before it was applied. */
export function parseTriggers({ triggers = {} }: Outputs): DeployedApp["triggers"] {
  return parse(appOutputsSchema.entries.triggers, triggers, "app", "triggers");
}

/** The address that answers now: the site's own domain only once it is attached. */
export function reachableUrl({ url, domain, gateway }: DeployedApp): string {
  return domain?.attached === false ? `https://${gateway.domain}` : url;
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  outputs: unknown,
  stack: string,
  ...parents: string[]
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, outputs);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = [...parents, v.getDotPath(issue)].filter((part) => part !== null).join(".");
  throw new UserError(
    `Output '${field}' of stack ${stack} is not what this version writes (${issue.message}). Run \`npm run deploy\`, which writes it again.`,
  );
}
