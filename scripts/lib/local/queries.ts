import {
  clientEnvironment,
  formatExports,
} from "../../../packages/local-cloud/control/client-environment.ts";
import type { TaskRecord } from "../../../packages/local-cloud/events/task-record.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { findInstances } from "./instances.ts";
import { readSynthesized, usualEndpoints } from "./stack.ts";
import { formatTask } from "./terminal/task-lines.ts";

/** Lists the tasks of the local cloud that runs in this folder. */
export async function printTasks(
  system: System,
  { failed, json }: { readonly failed: boolean; readonly json: boolean },
): Promise<void> {
  const [instance] = await findInstances(system);
  if (instance === undefined) {
    throw new UserError("No local cloud runs in this folder. Start one: npm run local");
  }
  const response = await system.fetch(`${instance.control}/api/tasks${failed ? "?failed=1" : ""}`);
  const { tasks } = (await response.json()) as { readonly tasks: readonly TaskRecord[] };
  for (const task of tasks.toReversed()) system.say(json ? formatJson(task) : formatTask(task));
  if (tasks.length === 0) system.warn(failed ? "No task has failed." : "No task yet.");
}

/** Prints the variables for clients of the local cloud. */
export async function printEnvironment(
  system: System,
  { stage }: { readonly stage: string | undefined },
): Promise<void> {
  const [instance] = await findInstances(system);
  const environment = instance?.environment ?? (await likelyEnvironment(system, stage));
  system.say(formatExports(environment).join("\n"));
}

async function likelyEnvironment(system: System, stage: string | undefined) {
  system.warn("# No local cloud runs in this folder: these are for one with the usual ports.");
  const stack = await readSynthesized(system, stage);
  const addresses = usualEndpoints(stack);
  return clientEnvironment(readStack(stack, addresses), addresses.site);
}
