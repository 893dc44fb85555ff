import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ReceivedMessage } from "../../../packages/local-cloud/queue/queues.ts";
import { sampled } from "../../support/sample.ts";
import { type Bench, makeQueues, spec } from "./support.ts";

/** What a queue may do, in as few words as possible: a list, looked through each time. */
interface Known {
  readonly id: string;
  readonly body: string;
  readonly group: string;
  sentAt: number;
  visibleAt: number;
  receiveCount: number;
  handles: string[];
}

const VISIBILITY_SECONDS = 30;
const RETENTION_SECONDS = 600;
const MAX_RECEIVE_COUNT = 3;

type Step =
  | { readonly do: "send"; readonly delay: number | undefined; readonly group: number }
  | { readonly do: "receive"; readonly max: number; readonly visibility: number | undefined }
  | { readonly do: "delete"; readonly which: number }
  | { readonly do: "hide"; readonly which: number; readonly seconds: number }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "redrive" };

const seconds = fc.integer({ min: 0, max: 60 });
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      delay: optional(seconds),
      group: fc.nat(1),
    }),
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
  { weight: 1, arbitrary: fc.record({ do: fc.constant("redrive" as const) }) },
);

/** The model and the queue, step by step. */
class Comparison {
  private readonly bench: Bench;
  private readonly name: string;
  private readonly dead: string;
  private readonly fifo: boolean;
  private readonly known: Known[] = [];
  private sent = 0;

  constructor(fifo: boolean) {
    this.fifo = fifo;
    this.name = fifo ? "tasks.fifo" : "tasks";
    this.dead = fifo ? "dead.fifo" : "dead";
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
      if (next.do === "send") this.send(next.delay, String(next.group));
      else if (next.do === "receive") await this.receive(next.max, next.visibility);
      else if (next.do === "wait") this.bench.clock.advance(next.seconds * 1000);
      else if (next.do === "redrive") this.redrive();
      else this.settle(next.which, next.do === "hide" ? next.seconds : undefined);
      this.compareCounts();
    }
    await this.drain();
  }

  private send(delay: number | undefined, group: string): void {
    const body = `message ${this.sent++}`;
    const { queues, clock } = this.bench;
    const { messageId } = queues.send(this.name, {
      body,
      delaySeconds: delay,
      ...(this.fifo && { groupId: group, deduplicationId: body.replace(" ", "-") }),
    });
    this.known.push({
      id: messageId,
      body,
      group,
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

  /** What can be received at this moment; of a FIFO queue only the first of each group. */
  private receivable(): Known[] {
    const now = this.bench.clock.now();
    const isHidden = ({ visibleAt }: Known) => visibleAt > now;
    const isFresh = (known: Known) => known.receiveCount < MAX_RECEIVE_COUNT || isHidden(known);
    const alive = this.alive().filter(isFresh);
    if (!this.fifo) return alive.filter((known) => !isHidden(known));
    // What is too old, and in somebody's hands, holds up its group until it is cleared away.
    const inOrder = this.known.filter(
      (known) => alive.includes(known) || (isHidden(known) && this.isHere(known)),
    );
    return inOrder.filter(
      (known) =>
        alive.includes(known) &&
        !isHidden(known) &&
        known === inOrder.find(({ group }) => group === known.group),
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

  private redrive(): void {
    const { queues, clock } = this.bench;
    const before = queues.peek(this.dead);
    expect(queues.redrive(this.dead)).toBe(before.length);
    for (const { messageId } of before) {
      const known = this.known.find(({ id }) => id === messageId);
      if (known === undefined) throw new Error("a dead letter that nobody has sent");
      // A message that comes back is behind those that are there.
      this.known.splice(this.known.indexOf(known), 1);
      this.known.push(
        Object.assign(known, {
          receiveCount: 0,
          visibleAt: clock.now(),
          sentAt: clock.now(),
          handles: [],
        }),
      );
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

test.each([
  ["standard", false],
  ["FIFO", true],
])("a %s queue does what its model does, whatever happens", async (_, fifo) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 100, size: "max" }), (steps) =>
      new Comparison(fifo).run(steps),
    ),
    { numRuns: sampled("random histories", 100, 10_000) },
  );
});
