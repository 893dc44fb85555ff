import { onTestFinished } from "vitest";
import type { ContainerRequest, Invoke } from "../../../packages/local-cloud/containers/invoke.ts";
import type { Happening } from "../../../packages/local-cloud/events/event.ts";
import { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import type { LocalTriggerSpec, QueueSpec } from "../../../packages/local-cloud/stack/blueprint.ts";
import { Condition } from "../../../packages/local-cloud/support/until.ts";
import { QueueTriggers } from "../../../packages/local-cloud/trigger/queue-triggers.ts";

export const QUEUE: QueueSpec = {
  name: "shop-tasks",
  visibilityTimeoutSeconds: 30,
  delaySeconds: 0,
  retentionSeconds: 345_600,
  maxMessageBytes: 262_144,
  receiveWaitSeconds: 0,
  tags: {},
};

export const TRIGGER: LocalTriggerSpec = {
  name: "shop-tasks",
  queue: "shop-tasks",
  container: "shop-worker",
  path: "/work",
  batchSize: 1,
  batchCutoffSeconds: 1,
};

/** A call that waits for its answer. */
export interface Call {
  readonly container: string;
  readonly request: ContainerRequest;
  /** Ids of the messages in its body. */
  readonly ids: readonly string[];
  answer(status: number, body?: string): void;
}

/** A queue, its trigger, and a container that answers when the test says so. */
export function startTrigger(
  trigger: Partial<LocalTriggerSpec> = {},
  {
    queue,
    concurrency = 1,
    hasRoom = () => true,
  }: { queue?: Partial<QueueSpec>; concurrency?: number; hasRoom?: () => boolean } = {},
) {
  const happenings: Happening[] = [];
  const report = (happening: Happening) => happenings.push(happening);
  const queues = new Queues({ report });
  queues.create({ ...QUEUE, ...queue });
  const calls: Call[] = [];
  const waiting: ((call: Call) => void)[] = [];
  const invoke: Invoke = (container, request) =>
    new Promise((done) => {
      const ids = JSON.parse(String(request.body)).messages.map(
        ({ details }: { details: { message: { message_id: string } } }) =>
          details.message.message_id,
      );
      const answer = (status: number, body = "") =>
        done({ status, headers: [], body: Buffer.from(body) });
      const call = { container, request, ids, answer };
      const next = waiting.shift();
      if (next) next(call);
      else calls.push(call);
    });
  const room = new Condition();
  const containers = {
    concurrencyOf: () => concurrency,
    hasRoom,
    whenRoom: async (_: string, signal: AbortSignal) => void (await room.until(hasRoom, signal)),
  };
  const specs = [{ ...TRIGGER, ...trigger }];
  const triggers = new QueueTriggers({ specs, queues, invoke, containers, report });
  triggers.start();
  onTestFinished(async () => {
    await triggers.stop();
    queues.close();
  });
  return {
    queues,
    triggers,
    happenings,
    /** `hasRoom` may say something else than before. */
    roomChanged: () => room.notify(),
    /** Calls that came and that nobody has looked at. */
    calls,
    nextCall: () =>
      new Promise<Call>((done) => {
        const call = calls.shift();
        if (call) done(call);
        else waiting.push(done);
      }),
    send: (body: string) => queues.send("shop-tasks", { body }).messageId,
    counts: () => queues.counts("shop-tasks"),
  };
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await new Promise(setImmediate);
}
