import { Lazy, TerraformOutput, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { isKnown, type Refuse, refuseAtSynth } from "./_refusal.ts";
import type { TriggerSpec, TriggerSpecs } from "./trigger-spec.ts";

interface NamedTrigger {
  readonly name: string;
  readonly spec: TriggerSpec;
  /** What defines the trigger. */
  readonly trigger: Construct;
}

/**
 * Output `triggers` of a stack: every trigger by its name, whatever creates it. The script and the
 * local cloud read it, so that nothing about a trigger is written down twice.
 */
export class TriggerOutput extends Construct {
  /** The one of the stack that holds `scope`, created by the first call. */
  static of(scope: Construct): TriggerOutput {
    const stack = TerraformStack.of(scope);
    const found = stack.node.tryFindChild("Triggers");
    return found instanceof TriggerOutput ? found : new TriggerOutput(stack, "Triggers");
  }

  private readonly entries: NamedTrigger[] = [];

  private constructor(scope: Construct, id: string) {
    super(scope, id);
    const output = new TerraformOutput(this, "Resource", {
      value: Lazy.anyValue({ produce: () => renderTriggers(this.entries) }),
      description: "What `npm run trigger` makes, and what it leaves to Terraform",
    });
    output.overrideLogicalId("triggers");
    refuseAtSynth(this, (refuse) => checkTriggerNames(this.entries, refuse));
  }

  /** Adds the trigger that `trigger` defines. */
  add(name: string, spec: TriggerSpec, trigger: Construct): void {
    this.entries.push({ name, spec, trigger });
  }

  /** What defines the triggers, in the order in which they were added. */
  get triggers(): readonly Construct[] {
    return this.entries.map(({ trigger }) => trigger);
  }
}

/** Rejects a name that stands for two triggers. */
function checkTriggerNames(entries: readonly NamedTrigger[], refuse: Refuse): void {
  for (const name of new Set(entries.map((entry) => entry.name).filter(isKnown))) {
    const paths = entries
      .filter((entry) => entry.name === name)
      .map(({ trigger }) => trigger.node.path);
    refuse(paths.length > 1, {
      field: "name",
      value: name,
      allowed: "one trigger of a name in a folder",
      fix: `Rename one of ${paths.join(" and ")}`,
    });
  }
}

// In order of name, so that moving a line in the program changes no plan.
function renderTriggers(entries: readonly NamedTrigger[]): TriggerSpecs {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(sorted.map(({ name, spec }) => [name, spec]));
}
