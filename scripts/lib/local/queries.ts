import {
  clientEnvironment,
  formatExports,
} from "../../../packages/local-cloud/control/client-environment.ts";
import type { TaskRecord } from "../../../packages/local-cloud/events/task-record.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import { UserError } from "../shell/user-error.ts";
import type { World } from "../shell/world.ts";
import { findInstances } from "./instances.ts";
import { readSynthesized, usualEndpoints } from "./stack.ts";
import { formatTask } from "./terminal/task-lines.ts";

/** Lists the tasks of the local cloud that runs in this folder. */
export async function printTasks(
  world: World,
  { failed, json }: { readonly failed: boolean; readonly json: boolean },
): Promise<void> {
  const [instance] = await findInstances(world);
  if (instance === undefined) {
    throw new UserError("No local cloud runs in this folder. Start one: npm run local");
  }
  const response = await world.fetch(`${instance.control}/api/tasks${failed ? "?failed=1" : ""}`);
  const { tasks } = (await response.json()) as { readonly tasks: readonly TaskRecord[] };
  for (const task of tasks.toReversed()) world.say(json ? formatJson(task) : formatTask(task));
  if (tasks.length === 0) world.warn(failed ? "No task has failed." : "No task yet.");
}

/** Prints the variables for clients of the local cloud. */
export async function printEnvironment(
  world: World,
  { stage }: { readonly stage: string | undefined },
): Promise<void> {
  const [instance] = await findInstances(world);
  const environment = instance?.environment ?? (await likelyEnvironment(world, stage));
  world.say(formatExports(environment).join("\n"));
}

async function likelyEnvironment(world: World, stage: string | undefined) {
  world.warn("# No local cloud runs in this folder: these are for one with the usual ports.");
  const stack = await readSynthesized(world, stage);
  const addresses = usualEndpoints(stack);
  return clientEnvironment(readStack(stack, addresses), addresses.site);
}
