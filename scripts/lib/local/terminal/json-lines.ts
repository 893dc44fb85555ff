import type { CloudEvent } from "../../../../packages/local-cloud/events/event.ts";
import type { EventStore } from "../../../../packages/local-cloud/events/store.ts";
import { formatJson } from "../../../../packages/local-cloud/support/json.ts";
import type { Outcome, TaskRecord } from "../../../../packages/task-history/task-record.ts";
import { followOutcomes } from "./follow-outcomes.ts";
import type { StartupInfo } from "./header.ts";
import { waitBefore } from "./outcome-lines.ts";
import type { Reporter } from "./reporter.ts";
import type { TextOutput } from "./screen.ts";

const SHOWN: ReadonlySet<CloudEvent["type"]> = new Set(["container", "refused", "timer"]);

/** For programs: one object a line. Its `type` says what it is about. */
export class JsonLines implements Reporter {
  private readonly output: TextOutput;
  private stop = () => {};

  constructor(output: TextOutput) {
    this.output = output;
  }

  starting(info: StartupInfo, events: EventStore): void {
    this.write({ type: "cloud", state: "starting", ...info });
    const take = (event: CloudEvent) => {
      if (SHOWN.has(event.type)) this.write(event);
    };
    for (const event of events.since(0)) take(event);
    const unsubscribe = events.subscribe(take);
    const unfollow = followOutcomes(events, (task, outcome) => {
      this.write({ type: "task", ...describeOutcome(task, outcome) });
    });
    this.stop = () => {
      unsubscribe();
      unfollow();
    };
  }

  running(milliseconds: number, down: readonly string[]): void {
    this.write({ type: "cloud", state: "running", seconds: milliseconds / 1000, down });
  }

  note(text: string): void {
    this.write({ type: "note", text });
  }

  end(): void {
    this.stop();
  }

  private write(value: object): void {
    this.output.write(`${formatJson(value)}\n`);
  }
}

function describeOutcome(task: TaskRecord, { at, word, attempt: number }: Outcome) {
  const { id, name, args, kwargs, state, log } = task;
  const attempt = task.attempts.find((candidate) => candidate.number === number);
  const run = attempt?.endedAt === undefined ? undefined : attempt.endedAt - attempt.startedAt;
  const error = attempt?.error ?? (word === "ok" ? undefined : task.error);
  return {
    ...{ at, outcome: word, id, name, args, kwargs, state, attempt: number },
    waitSeconds: attempt && inSeconds(waitBefore(task, attempt)),
    runSeconds: inSeconds(run),
    status: attempt?.status,
    reason: attempt?.reason,
    error,
    log: word === "ok" ? undefined : log,
  };
}

function inSeconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
