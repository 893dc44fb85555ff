import { describeTask, situationAt } from "./_describe.ts";
import { TaskHistory } from "./_history.ts";
import { hasContent, weightOf, withoutContent } from "./_weight.ts";
import { compareFacts, type Fact, namedTask } from "./fact.ts";
import {
  FAILED_STATES,
  type Outcome,
  type TaskRecord,
  type TaskState,
  type TaskTimes,
} from "./task-record.ts";

/** Characters of arguments, results and lines: large messages must not fill the memory by their number. */
const MAX_WEIGHT = 128 * 1024 * 1024;
const MAX_OVER = 10_000;
/** So many more before facts that come in no order are sorted. */
const SLACK = 1000;
/** Those that were over last are about to be shown, however large they are. */
const MIN_OVER = 100;
/** Ids of tasks and messages of which nothing more is taken. */
const MAX_FORGOTTEN = 20_000;
/** Of one task, before those are forgotten that are in no queue. */
const MAX_MESSAGES = 500;

/** Which tasks to list. */
export interface TaskFilter {
  /** Only tasks that have failed, are dead, or whose delivery has failed. */
  readonly failed?: boolean;
  /** Only tasks in whose name this is. */
  readonly name?: string;
  /** Only this task, and those that descend from it. */
  readonly root?: string;
  /** Only tasks that have changed since then, in milliseconds since the epoch. */
  readonly since?: number;
  /** Only tasks that have changed before, in milliseconds since the epoch. */
  readonly before?: number;
  /** Only tasks in one of these states. */
  readonly states?: ReadonlySet<TaskState>;
  /** Only tasks of which this holds; asked last. */
  readonly where?: (task: Pick<TaskRecord, "id" | "name" | "args" | "kwargs" | "error">) => boolean;
  /** At most so many. @default - all that are kept */
  readonly limit?: number;
}

/**
 * All tasks, by what is known to have happened to them. Facts may come in any order and any number of
 * times: what is a task's in the end depends on neither.
 *
 * What is in a queue is never forgotten. Of the tasks that are over, the 10,000 that changed last are
 * kept, fewer where they are large, and what still comes of one that was forgotten is left out.
 */
export class Tasks {
  /** By id, the longest unchanged first, unless facts came in another order. */
  private readonly histories = new Map<string, TaskHistory>();
  /** Those that are over, in the same order. */
  private readonly over = new Set<TaskHistory>();
  private inOrder = true;
  /** The last of all facts that have made a task the last one. */
  private newest: Fact | undefined;
  /** The task of each message that is one of a task's. */
  private readonly owners = new Map<string, string>();
  /** Until when what happened is left out, by the ids of tasks and messages. */
  private readonly forgotten = new Map<string, number>();
  private weight = 0;
  private readonly changed: (id: string) => void;

  /** @param changed is told of each task of which something new is known */
  constructor(changed: (id: string) => void = () => {}) {
    this.changed = changed;
  }

  /** Takes over a fact. Returns what has come to an end by it. */
  take(fact: Fact): readonly Outcome[] {
    const { messageId } = fact;
    const named = namedTask(fact);
    const id = named ?? this.owners.get(messageId ?? "") ?? messageId;
    if (id === undefined || this.isForgotten(fact, id, messageId)) return [];
    const outcomes = this.change(id, (history) => history.add(this.fitting(fact)));
    // A line may be of a task that ran within the message's own.
    if (fact.kind !== "logged" && messageId !== undefined && named !== undefined)
      this.claim(messageId, named);
    return outcomes;
  }

  /** The tasks as they stand at `now`, the last changed first. */
  list(now: number, filter: TaskFilter = {}): TaskRecord[] {
    this.putInOrder();
    // What is not shown is not described: that takes longer than all the rest.
    return [...this.histories.values()]
      .reverse()
      .filter((history) => history.hasBegun && isWanted(history, now, filter))
      .sort((one, other) => other.current.changedAt - one.current.changedAt)
      .slice(0, filter.limit)
      .map(({ current, log }) => describeTask(current, log.map(lineOf), now));
  }

  /**
   * When what has happened to all tasks, the last changed first. Not for keeping: what still happens
   * changes it.
   */
  times(now: number): readonly TaskTimes[] {
    this.putInOrder();
    return [...this.histories.values()]
      .reverse()
      .filter(({ hasBegun }) => hasBegun)
      .map(({ current, situation }) => {
        const { facts, publishedAt, changedAt, attempts, waits } = current;
        const { state } = situationAt(situation, now);
        return { name: facts?.name, state, publishedAt, changedAt, attempts, waits };
      })
      .sort((one, other) => other.changedAt - one.changedAt);
  }

  /** How many tasks are in which state at `now`. */
  count(now: number): ReadonlyMap<TaskState, number> {
    const counts = new Map<TaskState, number>();
    for (const { hasBegun, situation } of this.histories.values()) {
      if (!hasBegun) continue;
      const { state } = situationAt(situation, now);
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  /** A task as it stands at `now`. */
  find(id: string, now: number): TaskRecord | undefined {
    const history = this.histories.get(id);
    if (!history?.hasBegun) return undefined;
    return describeTask(history.current, history.log.map(lineOf), now);
  }

  /** Whether nothing of a task is in a queue or under way. */
  isOver(id: string): boolean {
    return this.histories.get(id)?.isOver === true;
  }

  /** Ids of all tasks, the longest unchanged first. */
  get ids(): readonly string[] {
    this.putInOrder();
    return [...this.histories.keys()];
  }

  /** What is known of a task, in the order in which it happened. */
  factsOf(id: string): readonly Fact[] {
    return this.histories.get(id)?.all() ?? [];
  }

  private change(id: string, act: (history: TaskHistory) => readonly Outcome[]) {
    const history = this.histories.get(id) ?? new TaskHistory(id);
    const { weight, last } = history;
    const outcomes = act(history);
    this.weight += history.weight - weight;
    const isTouched = history.last !== last || !this.histories.has(id);
    if (isTouched) this.touch(history);
    const { isOver } = history;
    if (isTouched || !isOver) this.over.delete(history);
    if (isOver) this.over.add(history);
    this.changed(id);
    this.forgetOldest();
    return outcomes;
  }

  /** Makes it the one that has changed last. */
  private touch(history: TaskHistory): void {
    const { last } = history;
    if (last && this.newest && compareFacts(last, this.newest) < 0) this.inOrder = false;
    else this.newest = last ?? this.newest;
    this.histories.delete(history.id);
    this.histories.set(history.id, history);
  }

  /**
   * Notes whose a message is. Nothing says that one has two tasks: if it does, one of them has it,
   * whichever came first.
   */
  private claim(messageId: string, taskId: string): void {
    const owner = this.owners.get(messageId);
    const history = this.histories.get(taskId);
    if (history === undefined || (owner !== undefined && owner <= taskId)) return;
    this.owners.set(messageId, taskId);
    history.messageIds = [...history.messageIds, messageId];
    this.move(messageId, owner ?? messageId, taskId);
    if (history.messageIds.length > MAX_MESSAGES) this.disclaim(history);
  }

  /** Of a task's many messages, forgets the first half of those that are in no queue any more. */
  private disclaim(history: TaskHistory): void {
    const { messageIds, current } = history;
    const isKept = (id: string, place: number) =>
      place >= MAX_MESSAGES / 2 || current.messages.get(id)?.queued === true;
    history.messageIds = messageIds.filter(isKept);
    const kept = new Set(history.messageIds);
    for (const id of messageIds) if (!kept.has(id)) this.owners.delete(id);
  }

  /** Gives a task what was known of its message alone. */
  private move(messageId: string, from: string, to: string): void {
    const source = this.histories.get(from);
    if (source === undefined || from === to) return;
    const { weight } = source;
    const released = source.release(messageId);
    this.weight += source.weight - weight;
    source.messageIds = source.messageIds.filter((id) => id !== messageId);
    // What is left of it may have changed earlier than its place says.
    if (source.last === undefined) this.drop(source);
    else this.inOrder = false;
    for (const { fact, isTold } of released)
      this.change(to, (history) => history.add(fact, isTold));
  }

  /** Whether it is left out, as all that a forgotten task still has to say, until it is sent anew. */
  private isForgotten(fact: Fact, ...ids: readonly (string | undefined)[]): boolean {
    for (const id of ids) {
      const until = this.forgotten.get(id ?? "");
      if (until === undefined) continue;
      if (fact.kind !== "sent" || fact.at <= until) return true;
      this.forgotten.delete(id ?? "");
    }
    return false;
  }

  /** Without its arguments where there is no room for them, once the oldest tasks were forgotten. */
  private fitting(fact: Fact): Fact {
    if (fact.kind !== "sent" || !hasContent(fact)) return fact;
    const weight = weightOf(fact);
    this.forgetOldest(weight);
    return this.weight + weight <= MAX_WEIGHT ? fact : withoutContent(fact);
  }

  /** @param room characters that are to come */
  private forgetOldest(room = 0): void {
    const isHeavy = () => this.weight + room > MAX_WEIGHT && this.over.size > MIN_OVER;
    const most = this.inOrder ? MAX_OVER : MAX_OVER + SLACK;
    if (this.over.size <= most && !isHeavy()) return;
    this.sort();
    for (const history of this.over) {
      if (this.over.size <= MAX_OVER && !isHeavy()) return;
      this.forget(history);
    }
  }

  private forget(history: TaskHistory): void {
    const until = history.last?.at ?? 0;
    this.drop(history);
    for (const id of history.messageIds) this.owners.delete(id);
    for (const id of [history.id, ...history.current.messages.keys()]) {
      this.forgotten.delete(id);
      this.forgotten.set(id, until);
    }
    for (const id of this.forgotten.keys()) {
      if (this.forgotten.size <= MAX_FORGOTTEN) break;
      this.forgotten.delete(id);
    }
  }

  private drop(history: TaskHistory): void {
    this.over.delete(history);
    this.histories.delete(history.id);
    this.weight -= history.weight;
  }

  private putInOrder(): void {
    if (this.inOrder) return;
    this.sort();
    this.forgetOldest();
  }

  private sort(): void {
    if (this.inOrder) return;
    const sorted = [...this.histories.values()].sort(compareHistories);
    const over = sorted.filter((history) => this.over.has(history));
    this.histories.clear();
    this.over.clear();
    for (const history of sorted) this.histories.set(history.id, history);
    for (const history of over) this.over.add(history);
    this.inOrder = true;
  }
}

function isWanted({ current, situation }: TaskHistory, now: number, filter: TaskFilter): boolean {
  const { failed = false, name = "", root, since = 0, before = Infinity, where } = filter;
  const { id, changedAt, facts: { name: own, rootId = id, args = [], kwargs = {} } = {} } = current;
  if (changedAt < since || changedAt >= before || !(own ?? "").includes(name)) return false;
  if (root !== undefined && rootId !== root) return false;
  const { states = failed ? FAILED_STATES : undefined } = filter;
  if (states?.has(situationAt(situation, now).state) === false) return false;
  return where === undefined || where({ id, name: own, args, kwargs, error: current.error });
}

function compareHistories({ last: one }: TaskHistory, { last: other }: TaskHistory): number {
  return one && other
    ? compareFacts(one, other)
    : Number(one !== undefined) - Number(other !== undefined);
}

function lineOf({ at, level, message }: TaskRecord["log"][number]) {
  return { at, level, message };
}
