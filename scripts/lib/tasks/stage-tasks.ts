import { familyOf } from "../../../packages/console/family.ts";
import type { QueueNames } from "../../../packages/console/task-text.ts";
import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import { FAILED_STATES, type TaskRecord } from "../../../packages/task-history/task-record.ts";
import { Tasks } from "../../../packages/task-history/tasks.ts";
import { factsOfLogEntry } from "../../../packages/task-history/worker-line.ts";
import { describeRest } from "../queue/describe.ts";
import type { Looking, Reader } from "../queue/letters.ts";
import { RECEIVED } from "../queue/list.ts";
import { stageQueues, withDeadLetters } from "../queue/stage-queues.ts";
import { UsageError } from "../shell/command-line.ts";
import { Interrupted } from "../shell/interrupt.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import {
  OF_TASKS,
  readLetters,
  readResult,
  readStory,
  type Stage,
  TASK_ID,
} from "./stage-facts.ts";
import { formatStory } from "./story.ts";
import { formatTask } from "./task-lines.ts";

/** Which tasks of a stage to list. */
export interface StageTasksFlags {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly failed: boolean;
  readonly name: string | undefined;
  readonly follow: boolean;
  readonly json: boolean;
}

/** Opens a stage's dead letters, when they are to be looked at. */
export type OpenReader = () => Promise<Reader<Looking>>;

/**
 * Lists what became of a stage's tasks, the last changed first; with `follow` one line for each end of
 * an attempt, in the order in which the log tells of it, until `signal` aborts.
 *
 * @param openReader of dead letters that are to be listed, too
 */
export async function printStageTasks(
  stage: Stage,
  flags: StageTasksFlags,
  signal?: AbortSignal,
  openReader?: OpenReader,
): Promise<void> {
  const { system } = stage.session;
  const { since, failed, name, follow, json } = flags;
  const tasks = new Tasks();
  const queues = queueNamesOf(stage.app);
  const print = (task: TaskRecord) =>
    system.say(json ? formatJson(task) : formatTask(task, queues, system.now()));
  for await (const entry of stage.readLog(stage.session, {
    since,
    filter: OF_TASKS,
    follow,
    signal,
  })) {
    const ends = factsOfLogEntry(entry).flatMap((fact) => tasks.take(fact));
    for (const { taskId } of follow ? ends : []) {
      const task = tasks.find(taskId, system.now());
      if (task && isWanted(task, flags)) print(task);
    }
  }
  if (follow) return;
  if (openReader) await readAllLetters(tasks, stage, openReader);
  const found = tasks.list(system.now(), { failed, name });
  for (const task of found) print(task);
  if (found.length === 0) system.warn(nothingFound(flags));
}

function nothingFound({ failed }: StageTasksFlags): string {
  const what = failed ? "No task has failed" : "No task has run";
  return `${what} in this time. Look further back with --since.`;
}

async function readAllLetters(tasks: Tasks, stage: Stage, openReader: OpenReader): Promise<void> {
  const { system } = stage.session;
  const queues = withDeadLetters(stageQueues(stage.app));
  const passages = await readLetters(tasks, await openReader(), queues);
  if (passages.some(({ seen }) => seen > 0)) system.warn(RECEIVED);
  const rest = describeRest(passages);
  if (rest) system.warn(rest);
}

/**
 * Tells the whole story of a stage's task, from its log and the results table; from the dead letters
 * only where it may be among them, for looking receives them.
 *
 * @throws UserError when nothing is known of it
 */
export async function printStageTask(
  stage: Stage,
  { since, json }: { readonly since: number; readonly json: boolean },
  id: string,
  openReader: OpenReader,
): Promise<void> {
  const { system } = stage.session;
  const tasks = new Tasks();
  await readStory(tasks, stage, id, since);
  await readResult(tasks, stage, id);
  const state = tasks.find(id, system.now())?.state;
  if (state === undefined || state === "hidden") await lookForLetter(tasks, stage, id, openReader);
  const now = system.now();
  const task = tasks.find(id, now);
  if (task === undefined) {
    throw new UserError(
      `The log says nothing of task ${id} in this time. Look further back with --since, or wait: a line comes when an attempt has ended.`,
    );
  }
  const family = familyOf(task, tasks.list(now));
  if (json) return system.say(formatJson({ ...task, family: family.map((one) => one.id) }));
  const context = { queues: queueNamesOf(stage.app), family, now };
  for (const line of formatStory(task, context)) system.say(line);
}

/** Looks among the dead letters until the one of a task is found. */
async function lookForLetter(
  tasks: Tasks,
  { session: { system }, app }: Stage,
  id: string,
  openReader: OpenReader,
): Promise<void> {
  const { queue } = tasks.find(id, system.now()) ?? {};
  const all = stageQueues(app).filter(({ deadLetterUrl }) => deadLetterUrl);
  const own = all.filter(({ name }) => name === queue);
  const queues = own.length > 0 ? own : all;
  const isEnough = () => tasks.find(id, system.now())?.state === "dead";
  try {
    const passages = await readLetters(tasks, await openReader(), queues, { isEnough });
    if (passages.some(({ seen }) => seen > 0))
      system.warn(`Looked for its dead letter. ${RECEIVED}`);
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    system.warn(`Whether it is a dead letter is not known: ${messageOf(error)}`);
  }
}

/** The id that a command line asks for, before anybody is asked for anything. */
export function parseId([id, ...more]: readonly string[]): string {
  if (id === undefined || more.length > 0) {
    throw new UsageError("Write the id of one task: npm run task -- <id>.");
  }
  // It becomes a part of a query.
  if (TASK_ID.test(id)) return id;
  throw new UsageError(`${JSON.stringify(id)} is no id of a task. Ids stand in npm run tasks.`);
}

function isWanted({ state, name = "" }: TaskRecord, flags: StageTasksFlags): boolean {
  return (!flags.failed || FAILED_STATES.has(state)) && name.includes(flags.name ?? "");
}

/** The worker's lines have Celery's names. */
function queueNamesOf({ queues }: DeployedApp): QueueNames {
  return new Map(Object.keys(queues.further ?? {}).map((name) => [name, name]));
}
