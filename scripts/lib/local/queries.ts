import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { familyOf } from "../../../packages/console/family.ts";
import { queueNames } from "../../../packages/console/task-text.ts";
import {
  clientEnvironment,
  formatExports,
} from "../../../packages/local-cloud/control/client-environment.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import { parseRun, type SavedRun } from "../../../packages/task-history/saved-run.ts";
import type { TaskRecord } from "../../../packages/task-history/task-record.ts";
import { type TaskFilter, Tasks } from "../../../packages/task-history/tasks.ts";
import { UsageError } from "../shell/command-line.ts";
import type { System } from "../shell/system.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import { findTask } from "../tasks/find-task.ts";
import { formatStory } from "../tasks/story.ts";
import { formatTask } from "../tasks/task-lines.ts";
import { findInstances, type RunningInstance } from "./instances.ts";
import { readSynthesized, usualEndpoints } from "./stack.ts";

const OWNER_ONLY = 0o600;

/** Where tasks are looked for: in a file, else in the local cloud that runs in this folder. */
interface Place {
  readonly open?: string | undefined;
}

/** The flags of `npm run local -- tasks`. */
export interface TasksFlags extends Place {
  readonly failed: boolean;
  readonly name?: string | undefined;
  readonly save?: string | undefined;
  readonly json: boolean;
}

/** Lists tasks, the last changed first, or saves all that is known of them. */
export async function printTasks(system: System, flags: TasksFlags): Promise<void> {
  if (flags.save !== undefined) return await saveRun(system, flags.save, flags);
  const { failed, name, json } = flags;
  const { tasks, queues, now } = await findTasks(system, flags, { failed, name });
  for (const task of tasks) system.say(json ? formatJson(task) : formatTask(task, queues, now));
  if (tasks.length === 0) system.warn(failed ? "No task has failed." : "No task yet.");
}

/** Prints the whole story of a task. */
export async function printTask(
  system: System,
  { json, open }: Place & { readonly json: boolean },
  [id, ...more]: readonly string[],
): Promise<void> {
  if (id === undefined || more.length > 0) {
    throw new UsageError("Write the id of one task: npm run local -- task <id>.");
  }
  const { tasks, queues, now } = await findTasks(system, { open }, {});
  const task = findTask(tasks, id);
  const family = familyOf(task, tasks);
  if (json) system.say(formatJson({ ...task, family: family.map((one) => one.id) }));
  else for (const line of formatStory(task, { queues, family, now })) system.say(line);
}

async function findTasks(system: System, { open }: Place, filter: TaskFilter) {
  if (open !== undefined) return openRun(system, open, filter);
  const { control, environment } = await findInstance(system);
  const query = new URLSearchParams();
  if (filter.failed) query.set("failed", "1");
  if (filter.name !== undefined) query.set("name", filter.name);
  const search = query.size > 0 ? `?${query}` : "";
  const response = await system.fetch(`${control}/api/tasks${search}`);
  const { tasks } = (await response.json()) as { readonly tasks: readonly TaskRecord[] };
  return { tasks, queues: queueNames(environment), now: system.now() };
}

function openRun(system: System, file: string, filter: TaskFilter) {
  const { facts, savedAt: now } = readRun(resolve(system.root, file), file);
  const history = new Tasks();
  for (const fact of facts) history.take(fact);
  return { tasks: history.list(now, filter), queues: new Map<string, string>(), now };
}

function readRun(path: string, file: string): SavedRun {
  try {
    return parseRun(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UserError(
      `${file} cannot be opened: it ${reasonOf(error)}. Write one with npm run local -- tasks --save ${file}.`,
      { cause: error },
    );
  }
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? messageOf(error) : `cannot be read (${code})`;
}

async function saveRun(system: System, file: string, { open }: Place): Promise<void> {
  if (open !== undefined) throw new UsageError("--save and --open exclude each other.");
  const { control } = await findInstance(system);
  const response = await system.fetch(`${control}/api/run`);
  writeWhole(resolve(system.root, file), await response.text(), OWNER_ONLY);
  system.say(`Saved in ${file}. It holds arguments and results of tasks.`);
}

/** The local cloud that runs in this folder. */
export async function findInstance(system: System): Promise<RunningInstance> {
  const [instance] = await findInstances(system);
  if (instance !== undefined) return instance;
  throw new UserError("No local cloud runs in this folder. Start one: npm run local");
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
