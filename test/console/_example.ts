import type {
  DeadLetterGroup,
  FamilyMember,
  Hour,
  Minute,
  Overview,
  Step,
  TaskDetail,
  TaskSummary,
} from "../../packages/console/source.ts";
import type { Attempt, TaskRecord, WaitCause } from "../../packages/task-history/task-record.ts";

/** 24 November 2026, 12:03:58 UTC. */
export const START = 1_795_521_838_000;

export function attempt(change: Partial<Attempt> = {}): Attempt {
  return { number: 1, messageId: "m-1", delivery: 1, by: "trigger", startedAt: START, ...change };
}

export function ran(change: Partial<Attempt>): Step {
  const made = attempt(change);
  return { kind: "ran", at: made.startedAt, attempt: made };
}

export function waited(cause: WaitCause, from: number, to: number, ...fields: string[]): Step {
  return { kind: "waited", at: from, cause, from, to, reason: { cause, fields } };
}

export function summary(id: string, change: Partial<TaskSummary> = {}): TaskSummary {
  const times = { publishedAt: START, changedAt: START, attempts: 1, waitMs: 200, runMs: 300 };
  return { id, name: "shop.pay", args: "", queue: "jobs", state: "ok", ...times, ...change };
}

export function member(id: string, change: Partial<FamilyMember> = {}): FamilyMember {
  return { ...summary(id), ...change };
}

/** A task that has ended well, changed. */
export function detail(
  change: Partial<TaskRecord> = {},
  more: Partial<Omit<TaskDetail, "task">> = {},
): TaskDetail {
  const task: TaskRecord = {
    ...{ id: "3f2c8d1e-0000-4000-8000-000000000001", name: "shop.charge", queue: "jobs" },
    ...{ args: [], kwargs: {}, state: "ok", publishedAt: START, changedAt: START + 31_400 },
    ...{ attempts: [], waits: [], log: [], ...change },
  };
  const { id, name, state } = task;
  const short = JSON.stringify([task.args, task.kwargs]).slice(0, 200);
  return {
    ...{ task, summary: summary(id, { name, state, args: short }), steps: [], family: [], ...more },
  };
}

export const overview: Overview = {
  ...{ title: "shop", source: "local", paused: false, containers: [], queues: [], timers: [] },
  actions: ["again", "run", "redrive", "delete"],
  counts: { all: 0, waiting: 0, running: 0, failed: 0, dead: 0 },
};

export function minuteOf(change: Partial<Minute>): Minute {
  return { waiting: 0, running: 0, ok: 0, failed: 0, ...change };
}

export function hourOf(change: (place: number) => Partial<Minute>): Hour {
  const minutes = Array.from({ length: 60 }, (_, place) => minuteOf(change(place)));
  return { from: START - 3_600_000, minutes, names: [] };
}

/** As Celery stores it. */
export const TRACEBACK = `Traceback (most recent call last):
  File "/app/.venv/lib/python3.12/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/app/shop/tasks.py", line 77, in charge
    bank.charge(order.id, order.sum)
ConnectionError: bank timeout
`;

/** Failed twice, and among the dead letters. */
export function failedTask(): TaskDetail {
  const error = { type: "ConnectionError", message: "bank timeout", traceback: TRACEBACK };
  const id = "3f2c8d1e-0000-4000-8000-000000000001";
  return detail(
    {
      ...{ id, state: "dead", error, args: [77, { id: 8, name: "Анна", tags: ["new", "b2b"] }] },
      kwargs: { day: "2026-11-24", dry_run: false, note: null },
      result: { paid: false },
      log: [
        { at: START + 300, level: "info", message: "charging 77" },
        { at: START + 900, level: "warning", message: "bank is slow" },
        { at: START + 1100, level: "error", message: "gave up: ConnectionError: bank timeout" },
      ],
    },
    {
      location: "shop/tasks.py:77",
      steps: [
        { kind: "sent", at: START, queue: "jobs" },
        waited("queue", START, START + 200, "worker.concurrency"),
        ran({
          ...{ startedAt: START + 200, endedAt: START + 1100, container: "worker", status: 503 },
          ...{ outcome: "retry_later", reason: "requeued", state: "FAILURE", error },
        }),
        waited("hidden", START + 1100, START + 31_100, "queue.visibilityTimeout"),
        ran({
          ...{ number: 2, delivery: 2, startedAt: START + 31_100, endedAt: START + 32_000 },
          ...{ container: "worker", status: 503, outcome: "dead", reason: "rejected", error },
        }),
        { kind: "ended", at: START + 32_000, state: "dead" },
      ],
      family: [
        member("a", { name: "shop.checkout", publishedAt: 1 }),
        member(id, {
          name: "shop.charge",
          parentId: "a",
          groupId: "g",
          state: "dead",
          publishedAt: 2,
        }),
        member("b", { name: "shop.mail", parentId: "a", groupId: "g", publishedAt: 3 }),
        member("c", { name: "shop.report", parentId: "b", state: "waiting", publishedAt: 4 }),
      ],
    },
  );
}

/** Waits for a free container. */
export function lateTask(): TaskDetail {
  const fields = ["worker.maxInstances", "worker.concurrency"];
  return detail(
    { id: "late", state: "waiting", dueAt: START + 60_000 },
    {
      waiting: { cause: "capacity", fields, mayRunTwice: true },
      steps: [
        { kind: "sent", at: START, queue: "jobs" },
        waited("capacity", START, START + 45_000, ...fields),
      ],
    },
  );
}

/** Of two tasks. */
export function deadGroups(): DeadLetterGroup[] {
  const letters = (count: number, name: string) =>
    Array.from({ length: count }, (_, place) => ({
      messageId: `m-${name}-${place}`,
      taskId: `t-${name}-${place}`,
    }));
  return [
    {
      ...{ name: "shop.charge", error: { type: "ConnectionError", message: "bank timeout" } },
      ...{ queue: "jobs", count: 120, oldestAt: START, letters: letters(120, "charge") },
    },
    {
      ...{
        name: "shop.mail",
        error: { type: "SMTPRecipientsRefused", message: "550 <no@example.com>" },
      },
      ...{ queue: "mail", count: 1, oldestAt: START, letters: letters(1, "mail") },
    },
  ];
}

/** Much waits, and some fail. */
export function badHour(): Hour {
  const hour = hourOf((place) => ({
    waiting: Math.round(8 + 7 * Math.sin(place / 5)) + (place > 50 ? place - 50 : 0),
    running: place % 7 === 0 ? 0 : 2,
    ok: 4,
    failed: place > 40 && place % 6 === 0 ? 3 : 0,
  }));
  const names = [
    "shop.report",
    "shop.charge",
    "shop.a_task_with_a_rather_long_name.that_is_nested",
  ];
  return {
    ...hour,
    names: names.map((name, place) => ({
      ...{ name, count: 214 - place, failed: place === 1 ? 9 : 0 },
      ...{ medianMs: 900 - 300 * place, p95Ms: 61_000 - 20_000 * place },
    })),
  };
}
