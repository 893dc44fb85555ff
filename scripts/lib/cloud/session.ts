import { config } from "../../../config.ts";
import { makeStageDirectory } from "../../../stacks/directories.ts";
import { resolveSettings, type Settings } from "../../../stacks/settings.ts";
import { pruneLogs } from "../shell/run-logs.ts";
import type { System } from "../shell/system.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import { terraformEnvironment } from "../terraform/environment.ts";
import { type DeployedApp, parseAppOutputs } from "../terraform/outputs.ts";
import { synthesize } from "../terraform/synthesize.ts";
import { Terraform } from "../terraform/terraform.ts";
import { type Access, accessOf, findFolder } from "./access.ts";
import { CloudApi } from "./cloud-api.ts";

/** What every command works with: a stage, and who acts on it. */
export interface Session {
  readonly system: System;
  readonly settings: Settings;
  readonly access: Access;
  readonly api: CloudApi;
  readonly folderId: string;
  readonly terraform: Terraform;
}

/** The stage's settings; problems in `config.ts` are the user's to fix. */
export function settingsOf(stage: string | undefined): Settings {
  try {
    return resolveSettings(config, stage || undefined);
  } catch (error) {
    throw new UserError(messageOf(error), { cause: error });
  }
}

/** Finds out who acts and where. */
export async function openSession(
  system: System,
  settings: Settings,
  access = accessOf(system),
): Promise<Session> {
  const folderId = await findFolder(system, settings);
  // The provider would prefer the key to a token.
  const token = system.env.YC_SERVICE_ACCOUNT_KEY_FILE ? undefined : await access.token();
  const env = terraformEnvironment(system.env, { token, folderId, backend: settings.backend.type });
  prepareStage(system, settings);
  const terraform = new Terraform(system, { stage: settings.stage, env });
  return { system, settings, access, api: new CloudApi(system, access), folderId, terraform };
}

/** Terraform for commands that only read the state, which takes no login. */
export function openTerraform(system: System, settings: Settings): Terraform {
  prepareStage(system, settings);
  return new Terraform(system, {
    stage: settings.stage,
    env: terraformEnvironment(system.env, { backend: settings.backend.type }),
  });
}

// Before Terraform creates the directory itself, open to everyone.
function prepareStage(system: System, { stage }: Settings): void {
  makeStageDirectory(stage, system.root);
  pruneLogs(system, stage);
}

/** The outputs of the deployed app, also after a bare `cdktf deploy`. */
export async function readApp({
  system,
  settings,
  terraform,
}: Pick<Session, "system" | "settings" | "terraform">): Promise<DeployedApp> {
  await synthesize(system, settings.stage);
  await terraform.init("app");
  return parseAppOutputs(await terraform.outputs("app"));
}
