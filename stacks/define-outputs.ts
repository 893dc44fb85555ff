import { type IResolvable, TerraformOutput, type TerraformStack } from "cdktf";

/** A value or what Terraform makes of it. */
type Rendered<T> =
  | IResolvable
  | (T extends object ? { readonly [Key in keyof T]: Rendered<T[Key]> } : T);

/** The outputs of a stack under exactly these ids: the commands ask for them, so without a hash. */
export function defineOutputs<Outputs extends object>(
  stack: TerraformStack,
  outputs: { readonly [Id in keyof Outputs]: Rendered<Outputs[Id]> },
): void {
  for (const [id, value] of Object.entries(outputs)) {
    if (value !== undefined) new TerraformOutput(stack, id, { value }).overrideLogicalId(id);
  }
}
