import { YandexProvider } from "@cdktf/provider-yandex/lib/provider";
import { type TerraformResource, TerraformStack, Testing } from "cdktf";
import type { Construct } from "constructs";

/** A resource, data source or output as the synthesized JSON has it. */
export type Body = Record<string, unknown>;

/** The parts of a synthesized stack that tests look at. */
export interface SynthesizedStack {
  readonly resource?: Record<string, Record<string, Body>>;
  readonly data?: Record<string, Record<string, Body>>;
  readonly output?: Record<string, Body>;
  readonly variable?: Record<string, Body>;
  readonly locals?: Body;
  readonly moved?: Body[];
  readonly terraform: Body;
}

/** Synthesizes one stack named `app` without running validations. */
export function synth(build: (stack: TerraformStack) => void): SynthesizedStack {
  return JSON.parse(Testing.synth(newStack(build))) as SynthesizedStack;
}

/** The bodies of all resources of one Terraform type, in order of definition. */
export function resources(stack: SynthesizedStack, type: string): Body[] {
  return Object.values(stack.resource?.[type] ?? {}).map(withoutMetadata);
}

/** The bodies of all data sources of one Terraform type, in order of definition. */
export function dataSources(stack: SynthesizedStack, type: string): Body[] {
  return Object.values(stack.data?.[type] ?? {}).map(withoutMetadata);
}

/** Synthesizes a stack and takes the hashes out of addresses: `Images_Repository`, not `…_5A933889`. */
export function synthPlain(build: (stack: TerraformStack) => void): SynthesizedStack {
  return JSON.parse(JSON.stringify(synth(build)).replaceAll(/_[0-9A-F]{8}\b/g, ""));
}

/** The resource behind a construct, as a user reaches it. */
export function raw(construct: Construct): TerraformResource {
  return construct.node.defaultChild as TerraformResource;
}

/** All roles given in folders. */
export function grants(stack: SynthesizedStack): Body[] {
  return resources(stack, "yandex_resourcemanager_folder_iam_member");
}

/** The addresses of all resources of one type, as `depends_on` has them. */
export function addresses(stack: SynthesizedStack, type: string): string[] {
  return Object.keys(stack.resource?.[type] ?? {}).map((id) => `${type}.${id}`);
}

/** Every message that validation of the tree gives, prefixed with the construct's path. */
export function refusals(build: (stack: TerraformStack) => void): string[] {
  const stack = newStack(build);
  // The framework itself refuses a stack of resources without it.
  new YandexProvider(stack, "Provider");
  return stack.node
    .findAll()
    .flatMap((construct) =>
      construct.node.validate().map((message) => `[${construct.node.path}] ${message}`),
    );
}

function newStack(build: (stack: TerraformStack) => void): TerraformStack {
  const stack = new TerraformStack(Testing.app(), "app");
  build(stack);
  return stack;
}

function withoutMetadata({ "//": _, ...body }: Body): Body {
  return body;
}
