import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeTask } from "../../task-history/decode-task.ts";
import type { Containers } from "../containers/containers.ts";
import type { Invoke } from "../containers/invoke.ts";
import type { Report } from "../events/event.ts";
import type { Queues, ReceivedMessage } from "../queue/queues.ts";
import type { LocalTriggerSpec } from "../stack/blueprint.ts";
import { Condition } from "../support/until.ts";
import { renderQueueEvent } from "./_events.ts";
import { eventRequest, isSuccess } from "./_requests.ts";
import { readVerdicts } from "./_verdicts.ts";

/** What a poller takes from, and gives to. */
export interface QueuePollerOptions {
  readonly queues: Queues;
  readonly invoke: Invoke;
  readonly containers: Pick<Containers, "whenRoom" | "hasRoom" | "concurrencyOf">;
  readonly report: Report;
}

// 230 KB; whether a KB has 1,000 or 1,024 bytes is not said.
const MAX_MESSAGE_BYTES = 230_000;
const LONG_POLL_SECONDS = 20;
const PAUSE_AFTER_ERROR_MS = 1000;

/** Takes messages out of one queue and hands them to its container. */
export class QueuePoller {
  readonly spec: LocalTriggerSpec;

  private readonly options: QueuePollerOptions;
  private inFlight = 0;
  /** What is wrong, said once. */
  private complaint = "";
  private readonly freed = new Condition();

  constructor(spec: LocalTriggerSpec, options: QueuePollerOptions) {
    this.spec = spec;
    this.options = options;
  }

  /** Goes on until `signal` is aborted. What is under way then comes to its end by itself. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.waitForRoom(signal);
        const batch = await this.gather(signal);
        if (batch.length > 0) void this.deliver(batch);
        this.complaint = "";
      } catch (error) {
        // Somebody has deleted the queue.
        this.complain(error);
        await sleep(PAUSE_AFTER_ERROR_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** One message, whatever the batch is, if there is one and its container has room; and hands it over. */
  async takeOne(): Promise<ReceivedMessage | undefined> {
    const { containers, queues } = this.options;
    const when = () => containers.hasRoom(this.spec.container);
    const options = { max: 1, waitSeconds: 0, by: "trigger", when } as const;
    const [message] = await queues.receive(this.spec.queue, options);
    if (message) void this.deliver([message]);
    return message;
  }

  /** Messages are taken only when they can be worked on: otherwise they would hide for nothing. */
  private async waitForRoom(signal: AbortSignal): Promise<void> {
    const { containers } = this.options;
    const concurrency = containers.concurrencyOf(this.spec.container);
    await this.freed.until(() => this.inFlight < concurrency, signal);
    await containers.whenRoom(this.spec.container, signal);
  }

  /** A full batch at once, or what has come in the time of the cutoff. */
  private async gather(signal: AbortSignal): Promise<ReceivedMessage[]> {
    const { batchSize, batchCutoffSeconds } = this.spec;
    if (signal.aborted) return [];
    const batch = [...(await this.receiveFirst(batchSize, signal))];
    const cutoff = performance.now() + batchCutoffSeconds * 1000;
    while (batch.length > 0 && batch.length < batchSize && !signal.aborted) {
      const left = (cutoff - performance.now()) / 1000;
      if (left <= 0) break;
      batch.push(...(await this.receive(batchSize - batch.length, left, signal)));
    }
    return batch;
  }

  /** Ends without any when another queue's messages have taken the room. */
  private receiveFirst(max: number, signal: AbortSignal) {
    const full = new AbortController();
    const when = () => {
      const hasRoom = this.options.containers.hasRoom(this.spec.container);
      if (!hasRoom) full.abort();
      return hasRoom;
    };
    const either = AbortSignal.any([signal, full.signal]);
    return this.receive(max, LONG_POLL_SECONDS, either, when);
  }

  private receive(max: number, waitSeconds: number, signal: AbortSignal, when = () => true) {
    const { queue } = this.spec;
    return this.options.queues.receive(queue, { max, waitSeconds, by: "trigger", when }, signal);
  }

  private async deliver(batch: readonly ReceivedMessage[]): Promise<void> {
    const deliverable = batch.filter((message) => !this.isTooLarge(message));
    if (deliverable.length === 0) return;
    this.inFlight += 1;
    try {
      const status = await this.post(deliverable);
      // Anything else leaves them hidden until their visibility timeout is over.
      if (!isSuccess(status)) return;
      const { queues } = this.options;
      for (const { receiptHandle } of deliverable) queues.delete(this.spec.queue, receiptHandle);
    } catch (error) {
      this.complain(error);
    } finally {
      this.inFlight -= 1;
      this.freed.notify();
    }
  }

  /** Calls the container. Returns the status of its answer. */
  private async post(messages: readonly ReceivedMessage[]): Promise<number> {
    const { queues, invoke, report } = this.options;
    const { name: trigger, queue, container, path } = this.spec;
    const messageIds = messages.map(({ messageId }) => messageId);
    report({ type: "invoked", trigger, container, messageIds });
    const event = renderQueueEvent(queues.arnOf(queue), messages, Date.now());
    const [message] = messages.length === 1 ? messages : [];
    const answer = await invoke(
      container,
      eventRequest(container, path, event, {
        id: randomUUID(),
        ...(message && { message: describeMessage(message) }),
      }),
    );
    const { status } = answer;
    const verdicts = readVerdicts(String(answer.body));
    report({ type: "answered", messageIds, status, verdicts });
    return status;
  }

  private isTooLarge({ messageId, body }: ReceivedMessage): boolean {
    const bytes = Buffer.byteLength(body);
    if (bytes <= MAX_MESSAGE_BYTES) return false;
    this.options.report({
      type: "refused",
      by: this.spec.name,
      code: "MessageTooLarge",
      message: `Message ${messageId} has ${bytes} bytes; a trigger delivers at most ${MAX_MESSAGE_BYTES}. It stays in ${this.spec.queue} until it becomes a dead letter`,
      fix: "Put large data into a bucket and its name into the message. `import celery_push_worker.publisher` rejects such a message when it is sent",
    });
    return true;
  }

  private complain(error: unknown): void {
    const { name, container } = this.spec;
    const message = `Trigger ${name}: ${error instanceof Error ? error.message : error}`;
    if (message === this.complaint) return;
    this.complaint = message;
    this.options.report({ type: "log", container, level: "error", message });
  }
}

function describeMessage({ messageId, body }: ReceivedMessage) {
  const taskId = decodeTask(body)?.id;
  return { messageId, ...(taskId !== undefined && { taskId }) };
}
