import { TerraformOutput, type TerraformStack } from "cdktf";

/** An output under exactly this id: the ids are a contract with the commands, so without a hash. */
export function defineOutput(stack: TerraformStack, id: string, value: unknown): void {
  new TerraformOutput(stack, id, { value }).overrideLogicalId(id);
}
