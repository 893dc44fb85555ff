import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ReceivedMessage } from "../../../packages/local-cloud/queue/queues.ts";
import { sampled } from "../../support/sample.ts";
import { type Bench, makeQueues, spec } from "./support.ts";

/** What a queue may do, in as few words as possible: a list, looked through each time. */
interface Known {
  readonly id: string;
  readonly body: string;
  readonly sentAt: number;
  visibleAt: number;
  receiveCount: number;
  handles: string[];
}

const VISIBILITY_SECONDS = 30;
const RETENTION_SECONDS = 600;
const MAX_RECEIVE_COUNT = 3;

type Step =
  | { readonly do: "send"; readonly delay: number | undefined }
  | { readonly do: "receive"; readonly max: number; readonly visibility: number | undefined }
  | { readonly do: "delete"; readonly which: number }
  | { readonly do: "hide"; readonly which: number; readonly seconds: number }
  | { readonly do: "wait"; readonly seconds: number };

const seconds = fc.integer({ min: 0, max: 60 });
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("send" as const), delay: optional(seconds) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("receive" as const),
      max: fc.integer({ min: 1, max: 10 }),
      visibility: optional(seconds),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), which: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("hide" as const), which: fc.nat(9), seconds }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds }) },
);

/** The model and the queue, step by step. */
class Comparison {
  private readonly bench: Bench;
  private readonly name = "tasks";
  private readonly dead = "dead";
  private readonly known: Known[] = [];
  private sent = 0;

  constructor() {
    this.bench = makeQueues([
      spec(this.name, {
        visibilityTimeoutSeconds: VISIBILITY_SECONDS,
        retentionSeconds: RETENTION_SECONDS,
        redrive: { deadLetterQueue: this.dead, maxReceiveCount: MAX_RECEIVE_COUNT },
      }),
      spec(this.dead),
    ]);
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const next of steps) {
      if (next.do === "send") this.send(next.delay);
      else if (next.do === "receive") await this.receive(next.max, next.visibility);
      else if (next.do === "wait") this.bench.clock.advance(next.seconds * 1000);
      else this.settle(next.which, next.do === "hide" ? next.seconds : undefined);
      this.compareCounts();
    }
    await this.drain();
  }

  private send(delay: number | undefined): void {
    const body = `message ${this.sent++}`;
    const { queues, clock } = this.bench;
    const { messageId } = queues.send(this.name, { body, delaySeconds: delay });
    this.known.push({
      id: messageId,
      body,
      sentAt: clock.now(),
      visibleAt: clock.now() + (delay ?? 0) * 1000,
      receiveCount: 0,
      handles: [],
    });
  }

  private async receive(max: number, visibility: number | undefined): Promise<void> {
    const { queues } = this.bench;
    const possible = this.receivable();
    const received = await queues.receive(this.name, {
      max,
      waitSeconds: 0,
      visibilityTimeoutSeconds: visibility,
      by: "client",
    });
    expect(received).toHaveLength(Math.min(max, possible.length));
    const ids = received.map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const message of received) this.take(message, possible, visibility ?? VISIBILITY_SECONDS);
  }

  private take(message: ReceivedMessage, possible: readonly Known[], visibility: number): void {
    const known = possible.find(({ id }) => id === message.messageId);
    if (known === undefined) throw new Error(`${message.body} could not be received`);
    known.receiveCount++;
    known.visibleAt = this.bench.clock.now() + visibility * 1000;
    known.handles.push(message.receiptHandle);
    expect(message).toMatchObject({ body: known.body, receiveCount: known.receiveCount });
    expect(message.sentAt).toBe(known.sentAt);
  }

  /** What can be received at this moment. */
  private receivable(): Known[] {
    const now = this.bench.clock.now();
    return this.alive().filter(
      ({ receiveCount, visibleAt }) => receiveCount < MAX_RECEIVE_COUNT && visibleAt <= now,
    );
  }

  private alive(): Known[] {
    const oldest = this.bench.clock.now() - RETENTION_SECONDS * 1000;
    return this.known.filter(({ sentAt }) => sentAt > oldest);
  }

  /** Deletes a message that was received before, or hides it for another time. */
  private settle(which: number, hideSeconds: number | undefined): void {
    const { queues, clock } = this.bench;
    const inHand = this.known.filter(({ handles }) => handles.length > 0);
    const known = inHand[which % Math.max(inHand.length, 1)];
    const handle = known?.handles.at(-1);
    if (known === undefined || handle === undefined || !this.alive().includes(known)) return;
    if (hideSeconds === undefined) {
      queues.delete(this.name, handle);
      if (this.isHere(known)) return;
      if (!this.isDead(known)) this.known.splice(this.known.indexOf(known), 1);
    } else if (known.visibleAt > clock.now()) {
      queues.changeVisibility(this.name, handle, hideSeconds);
      known.visibleAt = clock.now() + hideSeconds * 1000;
    } else {
      expect(() => queues.changeVisibility(this.name, handle, hideSeconds)).toThrow();
    }
  }

  private isHere({ id }: Known): boolean {
    return this.bench.queues.peek(this.name).some(({ messageId }) => messageId === id);
  }

  private isDead({ id }: Known): boolean {
    return this.bench.queues.peek(this.dead).some(({ messageId }) => messageId === id);
  }

  private compareCounts(): void {
    const now = this.bench.clock.now();
    const here = this.alive().filter((known) => !this.isDead(known));
    const counts = this.bench.queues.counts(this.name);
    const hidden = here.filter(({ visibleAt }) => visibleAt > now);
    // What is too old may be counted for another minute.
    if (here.length < this.known.length) return;
    expect(counts).toEqual({
      waiting: here.length - hidden.length,
      inFlight: hidden.filter(({ receiveCount }) => receiveCount > 0).length,
      delayed: hidden.filter(({ receiveCount }) => receiveCount === 0).length,
    });
  }

  /** Whatever was sent and not deleted is in one of the two queues or too old; dead letters are exact. */
  private async drain(): Promise<void> {
    const { queues } = this.bench;
    const here = queues.peek(this.name).map(({ messageId }) => messageId);
    const dead = queues.peek(this.dead).map(({ messageId }) => messageId);
    const both = [...here, ...dead];
    expect(new Set(both).size).toBe(both.length);
    for (const known of this.alive()) expect(both).toContain(known.id);
    for (const id of dead) {
      const known = this.known.find((one) => one.id === id);
      expect(known?.receiveCount).toBe(MAX_RECEIVE_COUNT);
    }
  }
}

test("a queue does what its model does, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 100, size: "max" }), (steps) =>
      new Comparison().run(steps),
    ),
    { numRuns: sampled("random histories", 100, 10_000) },
  );
});
