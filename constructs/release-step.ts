import { type LocalExecProvisioner, TerraformResource } from "cdktf";
import { Construct } from "constructs";
import type { ManageContainer } from "./manage-container.ts";
import type { ServerlessContainer } from "./serverless-container.ts";

/** Props of {@link ReleaseStep}. */
export interface ReleaseStepProps {
  /** Runs the command. */
  readonly container: ManageContainer;
  /** The words of the command of `manage.py`, e.g. `["migrate", "--noinput"]`. */
  readonly words: readonly string[];
  /**
   * Shell command that has the container at MANAGE_URL run the words in MANAGE_WORDS, a JSON array,
   * prints the output, and fails if the command does. It runs in the stack's output folder.
   */
  readonly command: string;
}

/**
 * Runs a command, usually `migrate`, between two images: after the container of commands has the new
 * one, and before the containers that follow it have. A command that fails ends the apply there: what
 * ran before goes on, and the next apply runs the command again.
 *
 * It runs whenever the container of commands has another revision, and when the words change.
 *
 * @example
 * const step = new ReleaseStep(this, "Release", { container, words: ["migrate", "--noinput"], command });
 * step.precedes(web);
 */
export class ReleaseStep extends Construct {
  private readonly resource: TerraformResource;

  constructor(scope: Construct, id: string, { container, words, command }: ReleaseStepProps) {
    super(scope, id);
    const { fingerprint, url } = container;
    this.resource = new Step(this, "Resource", [fingerprint, ...words], {
      type: "local-exec",
      interpreter: ["sh", "-c"],
      command,
      environment: { MANAGE_URL: url, MANAGE_WORDS: JSON.stringify(words) },
    });
    container.invokersPrecede(this.resource);
  }

  /** Makes a container get its next revision after the command has succeeded. */
  precedes(container: ServerlessContainer): void {
    container.follows(this.resource);
  }
}

/** The built-in `terraform_data`, recreated, with what it runs, when any of its reasons changes. */
class Step extends TerraformResource {
  private readonly reasons: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    reasons: readonly string[],
    provisioner: LocalExecProvisioner,
  ) {
    super(scope, id, { terraformResourceType: "terraform_data", provisioners: [provisioner] });
    this.reasons = reasons;
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { triggers_replace: this.reasons };
  }
}
