import fc from "fast-check";
import { EventFacts } from "../../packages/local-cloud/events/_event-facts.ts";
import type { CloudEvent, Happening } from "../../packages/local-cloud/events/event.ts";
import type { Fact } from "../../packages/task-history/fact.ts";
import type { TaskRecord } from "../../packages/task-history/task-record.ts";
import { Tasks } from "../../packages/task-history/tasks.ts";

const QUEUE = "shop-tasks";
/** Later than everything in the streams. */
export const NOW = 10_000_000;

/** What facts amount to, in the order in which they are given. */
export function recordsOf(facts: readonly Fact[], now = NOW): readonly TaskRecord[] {
  const tasks = new Tasks();
  for (const fact of facts) tasks.take(fact);
  return tasks.list(now);
}

/** The facts of what happens in the local cloud, each some milliseconds after the one before. */
export function factsOf(happenings: readonly Happening[], step: (place: number) => number): Fact[] {
  const source = new EventFacts("run");
  let at = 1_000_000;
  return happenings.flatMap((happening, place) => {
    at += step(place);
    const event: CloudEvent = { ...happening, at, sequence: place + 1 };
    return [...source.of(event)];
  });
}

/** The same facts in any order, each at least once. */
export function anyOrder(facts: readonly Fact[]): fc.Arbitrary<readonly Fact[]> {
  return fc
    .tuple(fc.infiniteStream(fc.nat(1_000_000)), fc.subarray([...facts]))
    .map(([keys, again]) =>
      [...facts, ...again]
        .map((fact) => ({ fact, key: Number(keys.next().value) }))
        .sort((one, other) => one.key - other.key)
        .map(({ fact }) => fact),
    );
}

const messageId = fc.constantFrom("m1", "m2", "m3", "m4");
const taskId = fc.constantFrom("t1", "t2", "t3");
const status = fc.constantFrom(200, 500, 503);
const celeryState = fc.constantFrom(
  "SUCCESS",
  "FAILURE",
  "RETRY",
  "STARTED",
  "PROGRESS",
  "REVOKED",
);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc
    .record({
      messageId,
      id: taskId,
      delaySeconds: fc.nat(900),
      sentAt: fc.constantFrom(undefined, 900_000, 1_000_001),
      retries: fc.nat(2),
      arg: fc.nat(),
    })
    .map(({ id, retries, arg, ...rest }) => ({
      ...{ type: "published" as const, queue: QUEUE, bytes: 10, ...rest },
      task: { id, name: "shop.pay", args: [arg], kwargs: {}, retries },
    })),
  messageId.map((id) => ({
    ...{ type: "published" as const, queue: QUEUE, bytes: 10, messageId: id, delaySeconds: 0 },
  })),
  fc
    .record({ messageId, receiveCount: fc.nat(5), by: fc.constantFrom("trigger", "client") })
    .map((fields) => ({
      type: "received" as const,
      queue: QUEUE,
      visibleAt: 1_030_000,
      ...fields,
    })),
  fc.subarray(["m1", "m2", "m3"], { minLength: 1 }).map((messageIds) => ({
    ...{ type: "invoked" as const, trigger: "t", container: "worker", messageIds },
  })),
  fc
    .record({
      messageId,
      status,
      outcome: fc.constantFrom("done", "dead", "delayed", "duplicate", "retry_later"),
      state: fc.option(celeryState, { nil: undefined }),
    })
    .map(({ status: code, ...verdict }) => ({
      ...{ type: "answered" as const, messageIds: [verdict.messageId], status: code },
      verdicts: [verdict],
    })),
  fc
    .record({ taskId, state: celeryState, result: fc.constantFrom(1, "two", undefined) })
    .map((fields) => ({ type: "stored" as const, table: "celery", ...fields })),
  fc
    .record({ messageId, visibleAt: fc.integer({ min: 1_000_000, max: 1_100_000 }) })
    .map((fields) => ({ type: "hidden" as const, queue: QUEUE, ...fields })),
  fc.record({ type: fc.constantFrom("deleted", "expired"), messageId, queue: fc.constant(QUEUE) }),
  messageId.map((id) => ({
    ...{ type: "dead" as const, queue: QUEUE, messageId: id, deadLetterQueue: "dlq" },
    receiveCount: 9,
  })),
  fc
    .record({
      taskId: fc.option(taskId, { nil: undefined }),
      messageId: fc.option(messageId, { nil: undefined }),
      message: fc.string(),
    })
    .map((fields) => ({
      ...{ type: "log" as const, container: "worker", level: "info" as const, ...fields },
    })),
);

/** Anything that may happen in the local cloud, sensible or not, much of it at the same time. */
export const localFacts: fc.Arbitrary<Fact[]> = fc
  .tuple(
    fc.array(happening, { maxLength: 40 }),
    fc.infiniteStream(fc.constantFrom(0, 0, 1, 20_000)),
  )
  .map(([happenings, steps]) => factsOf(happenings, () => Number(steps.next().value)))
  .chain((facts) =>
    fc.subarray(facts).map((some) => [...facts, ...some.slice(0, 3).map(stoppedAfter)]),
  );

/** The end of a run, right after a fact. */
function stoppedAfter({ at, order, messageId, taskId: named }: Fact): Fact {
  const id = named ?? messageId ?? "t1";
  return { id: `stopped.${id}.${order}`, at, order, kind: "stopped", taskId: id };
}
