import { randomUUID } from "node:crypto";
import type { Fact } from "../../task-history/fact.ts";
import type { Outcome, TaskRecord, TaskState, TaskTimes } from "../../task-history/task-record.ts";
import { type TaskFilter, Tasks } from "../../task-history/tasks.ts";
import { EventFacts } from "./_event-facts.ts";
import { weightOf } from "./_weight.ts";
import type { CloudEvent, Report } from "./event.ts";

const MAX_EVENTS = 20_000;
/** So many are dropped at once: one by one it takes longer than all the rest. */
const SPARE = 1000;
/** Characters: messages of 256 KB must not fill the memory by their number. */
const MAX_WEIGHT = 128 * 1024 * 1024;

/**
 * Everything that has happened, for whoever shows it: the last 20,000 events, all tasks that are not
 * over, and the 10,000 that were over last. Reading changes nothing anywhere.
 */
export class EventStore {
  /** The last ones, and a few before them. */
  private readonly events: CloudEvent[] = [];
  /** Tells facts of this run from those of others. */
  private readonly run = randomUUID().slice(0, 8);
  private readonly facts = new EventFacts(this.run);
  private readonly history = new Tasks((id) => {
    for (const listener of this.taskListeners) listener(id);
  });
  private readonly listeners = new Set<(event: CloudEvent) => void>();
  private readonly outcomeListeners = new Set<(outcome: Outcome) => void>();
  private readonly taskListeners = new Set<(id: string) => void>();
  private readonly now: () => number;
  private lastSequence = 0;
  private lastAt = 0;
  private weight = 0;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Takes over what has happened. Bound, so that it can be handed on. */
  readonly report: Report = (happening) => {
    this.lastSequence += 1;
    const event: CloudEvent = { ...happening, sequence: this.lastSequence, at: this.time() };
    this.keep(event);
    const outcomes = this.facts.of(event).flatMap((fact) => this.history.take(fact));
    for (const listener of this.listeners) listener(event);
    for (const outcome of outcomes) {
      for (const listener of this.outcomeListeners) listener(outcome);
    }
  };

  /** The kept events after a sequence number, in order; 0 for all. */
  since(sequence: number): readonly CloudEvent[] {
    const [first] = this.events;
    if (first === undefined) return [];
    const after = sequence - first.sequence + 1;
    return this.events.slice(Math.max(0, after, this.events.length - MAX_EVENTS));
  }

  /** Has every further event passed on, until the returned function is called. */
  subscribe(listener: (event: CloudEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Has the end of every attempt and task passed on, until the returned function is called. */
  subscribeOutcomes(listener: (outcome: Outcome) => void): () => void {
    this.outcomeListeners.add(listener);
    return () => void this.outcomeListeners.delete(listener);
  }

  /** The tasks, the last changed first. */
  tasks(filter?: TaskFilter): TaskRecord[] {
    return this.history.list(this.now(), filter);
  }

  /** When what has happened to all tasks, the last changed first; not for keeping. */
  taskTimes(): readonly TaskTimes[] {
    return this.history.times(this.now());
  }

  /** How many tasks are in which state. */
  countTasks(): ReadonlyMap<TaskState, number> {
    return this.history.count(this.now());
  }

  task(id: string): TaskRecord | undefined {
    return this.history.find(id, this.now());
  }

  /** Has the id of every task passed on that has changed, until the returned function is called. */
  subscribeTasks(listener: (id: string) => void): () => void {
    this.taskListeners.add(listener);
    return () => void this.taskListeners.delete(listener);
  }

  /** Ids of all tasks, the longest unchanged first. */
  taskIds(): readonly string[] {
    return this.history.ids;
  }

  /** Everything that is known of a task, in the order in which it happened. */
  factsOf(id: string): readonly Fact[] {
    return this.history.factsOf(id);
  }

  /** Whether nothing of a task is in a queue or under way. */
  isOver(id: string): boolean {
    return this.history.isOver(id);
  }

  /** Takes over what an earlier run knew. Whatever was under way there has ended with it. */
  restore(facts: Iterable<Fact>): void {
    for (const fact of facts) {
      this.history.take(fact);
      this.lastAt = Math.max(this.lastAt, fact.at);
      this.facts.after = Math.max(this.facts.after, (fact.order ?? 0) + 1);
    }
    const stamp = { at: this.time(), order: this.facts.after };
    for (const taskId of this.history.ids) {
      if (this.history.isOver(taskId)) continue;
      this.history.take({ id: `${this.run}.0.${taskId}`, ...stamp, kind: "stopped", taskId });
    }
  }

  /** Never before an earlier event, whatever is done to the machine's clock. */
  private time(): number {
    this.lastAt = Math.max(this.lastAt, this.now());
    return this.lastAt;
  }

  private keep(event: CloudEvent): void {
    this.events.push(event);
    this.weight += weightOf(event);
    if (this.events.length > MAX_EVENTS + SPARE) this.drop(SPARE);
    while (this.weight > MAX_WEIGHT && this.events.length > 1) this.drop(1);
  }

  private drop(count: number): void {
    for (const event of this.events.splice(0, count)) this.weight -= weightOf(event);
  }
}
