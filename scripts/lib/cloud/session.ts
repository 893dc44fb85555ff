import { config } from "../../../config.ts";
import { makeStageDirectory } from "../../../stacks/directories.ts";
import { resolveSettings, type Settings } from "../../../stacks/settings.ts";
import { pruneLogs } from "../shell/run-logs.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import type { World } from "../shell/world.ts";
import { terraformEnvironment } from "../terraform/environment.ts";
import { type DeployedApp, parseAppOutputs } from "../terraform/outputs.ts";
import { synthesize } from "../terraform/synthesize.ts";
import { Terraform } from "../terraform/terraform.ts";
import { type Access, accessOf, findFolder } from "./access.ts";
import { CloudApi } from "./cloud-api.ts";

/** What every command works with: a stage, and who acts on it. */
export interface Session {
  readonly world: World;
  readonly settings: Settings;
  readonly access: Access;
  readonly api: CloudApi;
  readonly folderId: string;
  readonly terraform: Terraform;
}

/** The stage's settings; problems in `config.ts` are the user's to mend. */
export function settingsOf(stage: string | undefined): Settings {
  try {
    return resolveSettings(config, stage || undefined);
  } catch (error) {
    throw new UserError(messageOf(error), { cause: error });
  }
}

/** Finds out who acts and where. */
export async function openSession(
  world: World,
  settings: Settings,
  access = accessOf(world),
): Promise<Session> {
  const folderId = await findFolder(world, settings);
  // The provider would prefer the key to a token.
  const token = world.env.YC_SERVICE_ACCOUNT_KEY_FILE ? undefined : await access.token();
  const env = terraformEnvironment(world.env, { token, folderId, backend: settings.backend.type });
  prepareStage(world, settings);
  const terraform = new Terraform(world, { stage: settings.stage, env });
  return { world, settings, access, api: new CloudApi(world, access), folderId, terraform };
}

/** Terraform for commands that only read the state, which takes no login. */
export function openTerraform(world: World, settings: Settings): Terraform {
  prepareStage(world, settings);
  return new Terraform(world, {
    stage: settings.stage,
    env: terraformEnvironment(world.env, { backend: settings.backend.type }),
  });
}

// Before Terraform makes the directory itself, open to everyone.
function prepareStage(world: World, { stage }: Settings): void {
  makeStageDirectory(stage, world.root);
  pruneLogs(world, stage);
}

/** The outputs of the deployed app, also after a bare `cdktf deploy`. */
export async function readApp({ world, settings, terraform }: Session): Promise<DeployedApp> {
  await synthesize(world, settings.stage);
  await terraform.init("app");
  return parseAppOutputs(await terraform.outputs("app"));
}
