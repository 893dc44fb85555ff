import type {
  Action,
  ActionResult,
  ConsoleSource,
  DeadLetterGroup,
  Hour,
  ListFilter,
  Overview,
  TaskSummary,
} from "../../packages/console/source.ts";

/** An overview of a cloud in which nothing has happened and everything is allowed. */
export const OVERVIEW: Overview = {
  ...{ title: "shop", source: "local", paused: false },
  actions: ["again", "run", "redrive", "delete", "fire", "pause", "resume"],
  counts: { all: 0, waiting: 0, running: 0, failed: 0, dead: 0 },
  ...{ containers: [], queues: [], timers: [] },
};

export function summary(id: string, more: Partial<TaskSummary> = {}): TaskSummary {
  const times = { changedAt: 1000, attempts: 0, waitMs: 0, runMs: 0 };
  return { id, name: "shop.pay", args: "", state: "ok", ...times, ...more };
}

/** A source that says what a test tells it, and notes what it is asked. */
export class FakeSource implements ConsoleSource {
  answer: Overview = OVERVIEW;
  known: TaskSummary[] = [];
  groups: readonly DeadLetterGroup[] = [];
  lastHour: Hour = { from: 0, minutes: [], names: [] };
  /** What it was asked for, in order. */
  readonly asked: string[] = [];
  readonly filters: ListFilter[] = [];
  readonly acted: Action[] = [];
  failure: Error | undefined;
  private readonly listeners = new Set<(ids: readonly string[]) => void>();

  get subscribers(): number {
    return this.listeners.size;
  }

  change(...ids: string[]): void {
    for (const listener of this.listeners) listener(ids);
  }

  async overview() {
    this.note("overview");
    return this.answer;
  }

  async tasks(filter: ListFilter) {
    this.note("tasks");
    this.filters.push(filter);
    return { tasks: this.known, more: false };
  }

  async summaries(ids: readonly string[]) {
    this.note(`summaries ${ids}`);
    return this.known.filter(({ id }) => ids.includes(id));
  }

  async task(id: string) {
    this.note(`task ${id}`);
    const found = this.known.find((task) => task.id === id);
    if (found === undefined) return undefined;
    const { name, state, changedAt } = found;
    const rest = { args: [], kwargs: {}, attempts: [], waits: [], log: [] };
    const task = { id, name, state, changedAt, ...rest };
    return { task, summary: found, steps: [], family: [] };
  }

  async deadLetters() {
    this.note("dead letters");
    return this.groups;
  }

  async hour() {
    this.note("hour");
    return this.lastHour;
  }

  subscribe(listener: (ids: readonly string[]) => void) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async act(action: Action): Promise<ActionResult> {
    this.note("act");
    this.acted.push(action);
    return { id: "new", message: "Sent." };
  }

  private note(what: string): void {
    this.asked.push(what);
    if (this.failure && what !== "overview") throw this.failure;
  }
}
