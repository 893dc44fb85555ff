import type { BackendSettings } from "../../../stacks/settings.ts";
import { FOLDER_VARIABLE } from "../../../stacks/variables.ts";
import { childEnvironment } from "../shell/child-environment.ts";
import type { Environment } from "../shell/system.ts";

/** What Terraform is called here: TERRAFORM_BINARY_NAME, which cdktf honours too. @default "terraform" */
export function terraformBinary(env: Environment): string {
  return env.TERRAFORM_BINARY_NAME || "terraform";
}

/** What to tell a user who has no Terraform. */
export function missingTerraform(binary: string): string {
  return `\`${binary}\` is not installed. Install Terraform (https://developer.hashicorp.com/terraform/install), or set TERRAFORM_BINARY_NAME, e.g. to tofu.`;
}

/** Who Terraform is to the cloud, and where the state is. */
export interface Credentials {
  readonly token?: string;
  readonly folderId?: string;
  readonly backend: BackendSettings["type"];
}

/**
 * The environment of terraform: what it needs of this process's, plus what keeps it from asking, plus
 * the credentials of this run. A state in a bucket takes AWS_* too.
 */
export function terraformEnvironment(env: Environment, credentials: Credentials): Environment {
  const { token, folderId, backend } = credentials;
  return {
    ...childEnvironment(env, "terraform"),
    ...(backend === "s3" && awsVariables(env)),
    ...(token && { YC_TOKEN: token }),
    ...(folderId && { YC_FOLDER_ID: folderId, [`TF_VAR_${FOLDER_VARIABLE}`]: folderId }),
    TF_INPUT: "0",
    TF_IN_AUTOMATION: "1",
    CHECKPOINT_DISABLE: "1",
  };
}

function awsVariables(env: Environment): Environment {
  // The provider fails to configure itself when this one is set.
  const { AWS_CA_BUNDLE: _, ...rest } = env;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith("AWS_")));
}
