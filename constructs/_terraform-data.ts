import { Fn, TerraformResource } from "cdktf";
import type { Construct } from "constructs";

/**
 * Keeps the time of the plan that created it. Not cdktf's own DataResource: that one takes
 * maps only and starts terraform while it synthesizes.
 */
export class CreationTime extends TerraformResource {
  /** Equal to `plantimestamp()` in the run that makes the resource, different in every later one. */
  readonly value: string;

  constructor(scope: Construct, id: string) {
    super(scope, id, {
      terraformResourceType: "terraform_data",
      lifecycle: { ignoreChanges: ["input"] },
    });
    // `input`, not `output`: the latter is unknown in the first plan.
    this.value = this.getStringAttribute("input");
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { input: Fn.plantimestamp() };
  }
}
