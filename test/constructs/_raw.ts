import { YandexProvider } from "@cdktf/provider-yandex/lib/provider";
import type { TerraformResource, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { type Body, refusals, resources, type SynthesizedStack, synth } from "../support/synth.ts";

/** Synthesizes a stack and takes the hashes out of addresses: `Images_Repository`, not `…_5A933889`. */
export function synthPlain(build: (stack: TerraformStack) => void): SynthesizedStack {
  return JSON.parse(JSON.stringify(synth(build)).replaceAll(/_[0-9A-F]{8}\b/g, ""));
}

/** What the constructs of a stack that has its provider are refused for. */
export function refusalsOf(build: (stack: TerraformStack) => void): string[] {
  return refusals((stack) => {
    new YandexProvider(stack, "Provider");
    build(stack);
  });
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
