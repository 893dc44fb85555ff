import { join } from "node:path";
import { App, TerraformOutput, type TerraformStack } from "cdktf";

/** An output under exactly this id: the ids are a contract with the commands, so without a hash. */
export function defineOutput(stack: TerraformStack, id: string, value: unknown): void {
  new TerraformOutput(stack, id, { value }).overrideLogicalId(id);
}

/** The directory, from the project's, in which Terraform runs for a stack. */
export function stackDirectory(stack: TerraformStack): string {
  return join(App.of(stack).outdir, "stacks", stack.node.id);
}
