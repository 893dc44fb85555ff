import { harmless } from "../../../packages/local-cloud/support/harmless.ts";
import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import { errorOf } from "../../../packages/task-history/celery-error.ts";
import type { TableOptions } from "../cloud/results-table.ts";
import { type RecordedResult, readResults } from "../cloud/task-results.ts";
import { messageOf } from "../shell/user-error.ts";
import { argumentsOf, describeRest, formatAge, formatCount, idOf, nameOf } from "./describe.ts";
import { goThrough, type Letter, type Looking, type Passage, type Reader } from "./letters.ts";
import { toRecord } from "./saved.ts";
import type { StageQueue } from "./stage-queues.ts";

/** Letters of a group that are shown one by one. */
const MAX_SHOWN = 10;

/** What looking at dead letters does in the cloud. */
export const RECEIVED =
  "Looking has raised their receive counts by one, and changed nothing else: no number of receives moves a dead letter on, and its time is not extended.";

/** How dead letters are shown. */
export interface ListOptions {
  readonly json: boolean;
  /** Where results are recorded. */
  readonly table: TableOptions;
  /** What looking has done. @default - what it does in the cloud */
  readonly done?: string;
}

/** Shows all dead letters: grouped by task and error, or as one JSON object a line. */
export async function list(
  reader: Reader<Looking>,
  queues: readonly StageQueue[],
  { json, table, done = RECEIVED }: ListOptions,
): Promise<void> {
  const { system } = reader;
  const errors = new Errors(table);
  const groups = new Groups();
  const passages: Passage[] = [];
  const show = async (letters: readonly Letter[]) => {
    const found = await errors.of(letters);
    for (const [index, letter] of letters.entries()) {
      const error = found[index] ?? "";
      if (json) system.say(formatJson({ ...toRecord(letter), error }));
      else groups.add(letter, error);
    }
    return [];
  };
  for (const queue of queues) passages.push(await goThrough(reader, queue, show));
  if (!json) for (const line of groups.describe(system.now())) system.say(line);
  if (errors.problem) system.warn(`The results cannot be read: ${errors.problem}`);
  const rest = describeRest(passages);
  if (rest) system.warn(rest);
  const seen = passages.reduce((sum, passage) => sum + passage.seen, 0);
  system.warn(seen === 0 ? "No dead letters." : `${formatCount(seen)}. ${done}`);
}

/** Why tasks have failed, as the results table has it. */
class Errors {
  /** Why it cannot be asked. */
  problem = "";
  private readonly table: TableOptions;

  constructor(table: TableOptions) {
    this.table = table;
  }

  /** One for each letter. */
  async of(letters: readonly Letter[]): Promise<readonly string[]> {
    const results = await this.read(letters.flatMap(({ task }) => task?.id ?? []));
    return letters.map(({ task }) => {
      if (results === undefined) return "result not read";
      return describeResult(results.get(task?.id ?? ""));
    });
  }

  private async read(ids: readonly string[]) {
    if (this.problem) return undefined;
    try {
      return await readResults(this.table, ids);
    } catch (error) {
      this.problem = messageOf(error);
      return undefined;
    }
  }
}

/** The exception that was recorded, or what else was. */
export function describeResult(recorded: RecordedResult | undefined): string {
  if (recorded === undefined) return "no result recorded";
  const error = errorOf(recorded);
  if (error === undefined) return `recorded as ${recorded.state}`;
  return error.message ? `${error.type}: ${error.message}` : error.type;
}

/** Letters with the same task, queue and kind of error. */
interface Group {
  readonly first: Letter;
  /** The exception's type, or the whole text where there is none. */
  readonly kind: string;
  /** Different texts of it. */
  readonly texts: Set<string>;
  readonly shown: Letter[];
  count: number;
  oldest: number;
}

class Groups {
  private readonly byKey = new Map<string, Group>();

  add(letter: Letter, error: string): void {
    const kind = /^[^\s:]+(?=: )/.exec(error)?.[0] ?? error;
    const key = JSON.stringify([letter.task?.name, letter.queue.name, kind]);
    const group: Group = this.byKey.get(key) ?? {
      ...{ first: letter, kind, texts: new Set(), shown: [] },
      ...{ count: 0, oldest: letter.sentAt },
    };
    this.byKey.set(key, group);
    group.count += 1;
    group.oldest = Math.min(group.oldest, letter.sentAt);
    if (group.texts.size < 2) group.texts.add(error);
    if (group.shown.length < MAX_SHOWN) group.shown.push(letter);
  }

  /** The largest group first. */
  describe(now: number): string[] {
    const groups = [...this.byKey.values()].sort((a, b) => b.count - a.count);
    return groups.flatMap((group) => describeGroup(group, now));
  }
}

function describeGroup({ first, kind, texts, shown, count, oldest }: Group, now: number): string[] {
  const error = harmless(texts.size === 1 ? [...texts].join() : `${kind}, with several messages`);
  const more = count - shown.length;
  return [
    `${nameOf(first)}  ${error}`,
    `  ${count} of queue ${first.queue.name}, the oldest ${formatAge(now - oldest)} old`,
    ...shown.map(
      (letter) => `  ${idOf(letter)}  ${formatAge(now - letter.sentAt)}  ${argumentsOf(letter)}`,
    ),
    ...(more > 0 ? [`  and ${more} more: --json lists all`] : []),
    "",
  ];
}
