import { beforeEach, expect, test } from "vitest";
import { EventStore } from "../../../packages/local-cloud/events/store.ts";
import { reportKept } from "../../../packages/local-cloud/queue/kept-messages.ts";
import { celeryMessage } from "../_messages.ts";
import { type Bench, makeQueues, spec } from "./support.ts";

let bench: Bench;
beforeEach(() => {
  const redrive = { deadLetterQueue: "dead", maxReceiveCount: 1 };
  bench = makeQueues([
    spec("tasks", { visibilityTimeoutSeconds: 30 }),
    spec("once", { redrive }),
    spec("dead"),
  ]);
});

/** What is known of a task after a restart. */
function taskAfter(id: string) {
  const store = new EventStore(() => bench.clock.now());
  reportKept(bench.queues, store.report);
  return { task: () => store.task(id), store };
}

const send = (queue: string, delaySeconds = 0) =>
  bench.queues.send(queue, { body: celeryMessage([], { id: "t" }), delaySeconds });

test("a task has waited since it was sent, whatever was restarted in between", async () => {
  const sentAt = bench.clock.now();
  send("tasks");
  bench.clock.advance(600_000);
  const { task, store } = taskAfter("t");
  expect(task()).toMatchObject({ state: "waiting", publishedAt: sentAt });
  bench.clock.advance(1000);
  const [message] = bench.queues.peek("tasks");
  const received = { queue: "tasks", messageId: message?.messageId ?? "", visibleAt: 0 };
  store.report({ type: "received", ...received, receiveCount: 1, by: "trigger" });
  expect(task()?.waits).toEqual([{ cause: "queue", from: sentAt, to: sentAt + 601_000 }]);
});

test("what was delayed is due when it was, and the delay is counted from the sending", () => {
  const sentAt = bench.clock.now();
  send("tasks", 800);
  bench.clock.advance(600_000);
  const { task } = taskAfter("t");
  expect(task()).toMatchObject({ state: "delayed", publishedAt: sentAt, dueAt: sentAt + 800_000 });
});

test("what was in flight is hidden until its visibility timeout is over", async () => {
  send("tasks");
  await bench.queues.receive("tasks", { max: 1, waitSeconds: 0, by: "client" });
  const dueAt = bench.clock.now() + 30_000;
  bench.clock.advance(10_000);
  const { task } = taskAfter("t");
  expect(task()).toMatchObject({ state: "hidden", dueAt });
  bench.clock.advance(20_000);
  expect(task()).toMatchObject({ state: "waiting" });
});

test("a dead letter is dead", async () => {
  send("once");
  await bench.queues.receive("once", { max: 1, waitSeconds: 0, by: "client" });
  bench.clock.advance(31_000);
  await bench.queues.receive("once", { max: 1, waitSeconds: 0, by: "client" });
  expect(taskAfter("t").task()).toMatchObject({ state: "dead", queue: "once" });
});
