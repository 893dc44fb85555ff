import { TaskFold } from "./_task-fold.ts";
import { describe } from "./_tracked-task.ts";
import { weightOf } from "./_weight.ts";
import type { CloudEvent, Report } from "./event.ts";
import { FAILED_STATES, type Outcome, type TaskRecord } from "./task-record.ts";

const MAX_EVENTS = 20_000;
/** Characters: messages of 256 KB must not fill the memory by their number. */
const MAX_WEIGHT = 128 * 1024 * 1024;

/** Which tasks to list. */
export interface TaskFilter {
  /** Only tasks that have failed, are dead, or whose delivery has failed. */
  readonly failed?: boolean;
  /** At most so many. @default - all that are kept */
  readonly limit?: number;
}

/**
 * Everything that has happened, for whoever shows it: the last 20,000 events, all tasks that are not
 * over, and the 10,000 that were over last. Reading changes nothing anywhere.
 */
export class EventStore {
  private readonly events: CloudEvent[] = [];
  private readonly fold = new TaskFold();
  private readonly listeners = new Set<(event: CloudEvent) => void>();
  private readonly outcomeListeners = new Set<(outcome: Outcome) => void>();
  private readonly now: () => number;
  private lastSequence = 0;
  private weight = 0;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Takes over what has happened. Bound, so that it can be handed on. */
  readonly report: Report = (happening) => {
    this.lastSequence += 1;
    const event: CloudEvent = { ...happening, sequence: this.lastSequence, at: this.now() };
    this.keep(event);
    const outcomes = this.fold.take(event);
    for (const listener of this.listeners) listener(event);
    for (const outcome of outcomes) {
      for (const listener of this.outcomeListeners) listener(outcome);
    }
  };

  /** The kept events after a sequence number, in order; 0 for all. */
  since(sequence: number): readonly CloudEvent[] {
    const [first] = this.events;
    if (first === undefined) return [];
    return this.events.slice(Math.max(0, sequence - first.sequence + 1));
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
  tasks({ failed = false, limit = Infinity }: TaskFilter = {}): TaskRecord[] {
    const now = this.now();
    const found: TaskRecord[] = [];
    for (const entry of [...this.fold.index.tasks.values()].reverse()) {
      if (found.length >= limit) break;
      const record = describe(entry, now);
      if (!failed || FAILED_STATES.has(record.state)) found.push(record);
    }
    return found;
  }

  task(id: string): TaskRecord | undefined {
    const entry = this.fold.index.tasks.get(id);
    return entry && describe(entry, this.now());
  }

  private keep(event: CloudEvent): void {
    this.events.push(event);
    this.weight += weightOf(event);
    while (
      this.events.length > MAX_EVENTS ||
      (this.weight > MAX_WEIGHT && this.events.length > 1)
    ) {
      const dropped = this.events.shift();
      if (dropped) this.weight -= weightOf(dropped);
    }
  }
}
