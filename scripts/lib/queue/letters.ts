import { decodeTask } from "../../../packages/task-history/decode-task.ts";
import type { TaskFacts } from "../../../packages/task-history/fact.ts";
import type { Interrupted } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import { messageOf } from "../shell/user-error.ts";
import { MAX_BATCH, type QueueClient, type Received } from "./client.ts";
import type { StageQueue } from "./stage-queues.ts";

/** Letters of one queue that one run looks at. */
export const MAX_LETTERS = 10_000;
/** How long a letter is held at least, and for each other one that is held with it. */
const HOLD_SECONDS = 60;
const HOLD_SECONDS_EACH = 0.1;
/** Empty answers in a row after which the rest of what was counted is taken to be gone. */
const MAX_EMPTY = 3;
const PROGRESS_MS = 5000;

/** A dead letter. */
export interface Letter extends Received {
  readonly queue: StageQueue;
  /** `undefined` where it is not Celery's. */
  readonly task: TaskFacts | undefined;
}

/** What looking at letters takes of a client. */
export type Looking = Pick<QueueClient, "count" | "receive" | "giveBack">;

/** Who goes through dead letters, and how they can be stopped. */
export interface Reader<Client = QueueClient> {
  readonly system: System;
  readonly client: Client;
  /** Aborted with what has interrupted the run. */
  readonly stop: AbortSignal;
}

/** What going through the letters of a queue has shown. */
export interface Passage {
  /** Letters that were looked at. */
  readonly seen: number;
  /** Letters that somebody else had received by then, or a run that was killed. */
  readonly elsewhere: number;
  /** Letters beyond those that one run looks at. */
  readonly beyond: number;
}

/**
 * Receives the dead letters of a queue and hands them over, up to ten at a time. `act` returns those
 * that it has deleted. All others are held until the end, so that none comes twice, and then given
 * back, whatever happens.
 *
 * No more are received than there were when it began: what is sent back meanwhile and dies again is
 * left for another time.
 *
 * @param isEnough whether the rest need not be looked at
 */
export async function goThrough(
  reader: Reader<Looking>,
  queue: StageQueue,
  act: (letters: readonly Letter[]) => Promise<readonly Received[]>,
  isEnough = () => false,
): Promise<Passage> {
  const { system, client, stop } = reader;
  const url = queue.deadLetterUrl;
  const { waiting, inFlight } = await client.count(url);
  const wanted = Math.min(waiting, MAX_LETTERS);
  const hold = Math.ceil(HOLD_SECONDS + wanted * HOLD_SECONDS_EACH);
  const held = new Map<string, Received>();
  const seen = new Set<string>();
  const progress = new Progress(system);
  try {
    for (let empty = 0; seen.size < wanted && empty < MAX_EMPTY && !isEnough(); ) {
      refuseStopped(stop);
      const received = await client.receive(url, hold);
      const fresh = received.filter(({ id }) => !seen.has(id));
      for (const message of received) {
        seen.add(message.id);
        held.set(message.id, message);
      }
      empty = fresh.length === 0 ? empty + 1 : 0;
      if (fresh.length === 0) continue;
      for (const { id } of await act(fresh.map((message) => toLetter(message, queue)))) {
        held.delete(id);
      }
      progress.say(`${seen.size} of about ${waiting} dead letters of queue ${queue.name}`);
    }
  } finally {
    await giveBack(reader, url, [...held.values()], hold);
  }
  refuseStopped(stop);
  // Where the answer to a receive is lost, nobody knows what it was.
  const missed = Math.max(0, wanted - seen.size);
  return { seen: seen.size, elsewhere: inFlight + missed, beyond: waiting - wanted };
}

/** @throws Interrupted where the run was asked to stop */
export function refuseStopped(stop: AbortSignal): void {
  if (stop.aborted) throw stop.reason as Interrupted;
}

/** Says how far something has come, every five seconds. */
export class Progress {
  private readonly system: System;
  private saidAt: number;

  constructor(system: System) {
    this.system = system;
    this.saidAt = system.now();
  }

  say(text: string): void {
    if (this.system.now() - this.saidAt < PROGRESS_MS) return;
    this.saidAt = this.system.now();
    this.system.warn(`… ${text}`);
  }
}

function toLetter(message: Received, queue: StageQueue): Letter {
  return { ...message, queue, task: decodeTask(message.body) };
}

// Nothing is lost where it fails: the queue gives them back itself, later.
async function giveBack(
  { system, client }: Reader<Looking>,
  url: string,
  messages: readonly Received[],
  hold: number,
): Promise<void> {
  const progress = new Progress(system);
  try {
    for (let from = 0; from < messages.length; from += MAX_BATCH) {
      await client.giveBack(url, messages.slice(from, from + MAX_BATCH));
      progress.say(`${from + MAX_BATCH} of ${messages.length} dead letters given back`);
    }
  } catch (error) {
    system.warn(
      `Up to ${messages.length} dead letters stay hidden for ${hold} seconds and come back by themselves: ${messageOf(error)}`,
    );
  }
}
