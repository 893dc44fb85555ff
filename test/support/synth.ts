import { TerraformStack, Testing } from "cdktf";

/** A resource, data source or output as the synthesized JSON has it. */
export type Body = Record<string, unknown>;

/** The parts of a synthesized stack that tests look at. */
export interface SynthesizedStack {
  readonly resource?: Record<string, Record<string, Body>>;
  readonly data?: Record<string, Record<string, Body>>;
  readonly output?: Record<string, Body>;
  readonly variable?: Record<string, Body>;
  readonly locals?: Body;
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

/** Every message that validation of the tree gives, prefixed with the construct's path. */
export function refusals(build: (stack: TerraformStack) => void): string[] {
  return newStack(build)
    .node.findAll()
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
