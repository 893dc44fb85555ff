import { rootOf } from "../../../packages/console/family.ts";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import type { Tasks } from "../../../packages/task-history/tasks.ts";
import { factsOfLogEntry } from "../../../packages/task-history/worker-line.ts";
import type { TableOptions } from "../cloud/results-table.ts";
import type { Session } from "../cloud/session.ts";
import { readResults, resultFact } from "../cloud/task-results.ts";
import { equals } from "../logs/log-query.ts";
import {
  goThrough,
  type Letter,
  type Looking,
  type Passage,
  type Reader,
} from "../queue/letters.ts";
import type { StageQueue } from "../queue/stage-queues.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { factsOfLetter } from "./letter-facts.ts";

/** The lines of each delivery, and those of exceptions: what the tasks have logged themselves is more. */
export const OF_TASKS = [
  equals("logger", "celery_push_worker"),
  equals("logger", "celery.app.trace"),
].join(" OR ");
/** What may become a part of a query. */
export const TASK_ID = /^[\w.:-]{1,256}$/;

/** Reads a stage's log, as `scripts/lib/logs/read-log.ts` does. */
export type ReadLog = (
  session: Session,
  options: {
    /** Milliseconds since the epoch. */
    readonly since: number;
    /** @default - now */
    readonly until?: number;
    readonly filter: string;
    readonly follow?: boolean;
    readonly signal?: AbortSignal;
  },
) => AsyncIterable<LogEntry>;

/** A stage that is deployed, and how its log is read. */
export interface Stage {
  readonly session: Session;
  readonly app: DeployedApp;
  readonly readLog: ReadLog;
}

/** Has tasks take over what the log says of one of them and of its family. */
export async function readStory(
  tasks: Tasks,
  stage: Stage,
  id: string,
  since: number,
): Promise<void> {
  const now = () => stage.session.system.now();
  await readInto(tasks, stage, since, equals("task_id", id));
  const known = tasks.find(id, now());
  const root = known && rootOf(known);
  if (root !== undefined && TASK_ID.test(root)) {
    await readInto(tasks, stage, since, equals("root_id", root));
  }
}

/** Has tasks take over what Celery has recorded of one of them that is known. */
export async function readResult(tasks: Tasks, stage: Stage, id: string): Promise<void> {
  if (tasks.find(id, stage.session.system.now()) === undefined) return;
  const result = (await readResults(tableOf(stage), [id])).get(id);
  if (result) tasks.take(resultFact(id, result));
}

/** How dead letters are looked at. */
export interface LettersOptions {
  /** Whether the rest need not be looked at. @default - all are */
  readonly isEnough?: () => boolean;
  /** Is given some of them before anything is made of them. */
  readonly onLetters?: (letters: readonly Letter[]) => Promise<void>;
}

/** Has tasks take over what the dead letters of queues say, which receives them. */
export async function readLetters(
  tasks: Tasks,
  reader: Reader<Looking>,
  queues: readonly StageQueue[],
  { isEnough = () => false, onLetters = async () => {} }: LettersOptions = {},
): Promise<Passage[]> {
  const passages: Passage[] = [];
  const take = async (letters: readonly Letter[]) => {
    await onLetters(letters);
    for (const letter of letters) {
      const known = tasks.find(letter.task?.id ?? letter.id, reader.system.now());
      for (const fact of factsOfLetter(letter, known)) tasks.take(fact);
    }
    return [];
  };
  for (const queue of queues) {
    if (!isEnough()) passages.push(await goThrough(reader, queue, take, isEnough));
  }
  return passages;
}

async function readInto(tasks: Tasks, stage: Stage, since: number, filter: string): Promise<void> {
  for await (const entry of stage.readLog(stage.session, { since, filter })) {
    for (const fact of factsOfLogEntry(entry)) tasks.take(fact);
  }
}

/** Where the results of a stage's tasks are. */
export function tableOf({ session: { system, access }, app }: Stage): TableOptions {
  return { system, access, endpoint: app.document_api_endpoint, table: app.results_table };
}
