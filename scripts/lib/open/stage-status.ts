import type { QueueView } from "../../../packages/console/source.ts";
import type { Session } from "../cloud/session.ts";
import type { QueueClient } from "../queue/client.ts";
import { type StageQueue, stageQueues } from "../queue/stage-queues.ts";
import { messageOf } from "../shell/user-error.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { isPaused } from "../triggers/triggers.ts";

/** How old what is shown may be. */
const QUEUES_MS = 15_000;
const TRIGGERS_MS = 60_000;

/** Counts the messages of a queue without receiving any. */
export type Counting = Pick<QueueClient, "count">;

/** What a stage's queues and triggers are like: asked for while somebody wants to know, never waited for twice. */
export class StageStatus {
  private readonly queues: Remembered<readonly Looked[]>;
  private readonly paused: Remembered<boolean>;

  /** @param client absent where there is no key to the queues */
  constructor(session: Session, app: DeployedApp, client: Counting | undefined) {
    const now = () => session.system.now();
    const queues = stageQueues(app);
    const look = async () =>
      client ? await Promise.all(queues.map((queue) => lookAt(client, queue))) : [];
    this.queues = new Remembered(now, QUEUES_MS, look);
    this.paused = new Remembered(now, TRIGGERS_MS, () => isPaused(session, app.triggers));
  }

  /** The last known; what is old is asked for meanwhile. */
  async current() {
    const [queues, paused] = await Promise.all([this.queues.get(), this.paused.get()]);
    const problems = [queues, paused].flatMap(({ problem }) => problem ?? []);
    const views = (queues.value ?? []).map(({ view }) => view);
    return { queues: views, paused: paused.value ?? false, problems };
  }

  /** Whether the triggers are, as far as that is known. */
  get isPaused(): boolean {
    return this.paused.last ?? false;
  }

  /** How long a queue keeps a message hidden that was received, in seconds, as far as that is known. */
  visibilityOf(queue: string | undefined): number | undefined {
    const looked = this.queues.last?.find(({ view }) => view.name === queue);
    return looked?.visibilitySeconds;
  }

  /** Of the dead letters, as they are now. */
  async deadNow(): Promise<readonly number[]> {
    this.queues.forget();
    const { value = [] } = await this.queues.fresh();
    return value.map(({ view }) => view.dead);
  }

  /** After something was done. */
  forget(): void {
    this.queues.forget();
    this.paused.forget();
  }
}

interface Looked {
  readonly view: QueueView;
  readonly visibilitySeconds: number;
}

async function lookAt(client: Counting, { name, url, deadLetterUrl }: StageQueue): Promise<Looked> {
  const [own, letters] = await Promise.all([
    client.count(url),
    deadLetterUrl ? client.count(deadLetterUrl) : undefined,
  ]);
  const { waiting, inFlight, delayed, visibilitySeconds } = own;
  const dead = (letters?.waiting ?? 0) + (letters?.inFlight ?? 0);
  return { view: { name, waiting, inFlight, delayed, dead }, visibilitySeconds };
}

/** What was asked for last, and why it could not be asked again. */
interface Answer<T> {
  readonly value?: T | undefined;
  readonly problem?: string;
}

class Remembered<T> {
  private readonly now: () => number;
  private readonly maxAge: number;
  private readonly ask: () => Promise<T>;
  private answer: Answer<T> | undefined;
  private askedAt = Number.NEGATIVE_INFINITY;
  private asking: Promise<Answer<T>> | undefined;
  /** How often. */
  private asked = 0;

  constructor(now: () => number, maxAge: number, ask: () => Promise<T>) {
    this.now = now;
    this.maxAge = maxAge;
    this.ask = ask;
  }

  get last(): T | undefined {
    return this.answer?.value;
  }

  /** The first one is waited for. */
  async get(): Promise<Answer<T>> {
    const isOld = this.now() - this.askedAt >= this.maxAge;
    const asking = isOld ? this.fresh() : this.asking;
    return this.answer ?? (await asking) ?? {};
  }

  /** One that was not asked for before the last {@link forget}. */
  fresh(): Promise<Answer<T>> {
    this.asking ??= this.askNow();
    return this.asking;
  }

  forget(): void {
    this.askedAt = Number.NEGATIVE_INFINITY;
    this.asking = undefined;
  }

  private async askNow(): Promise<Answer<T>> {
    this.askedAt = this.now();
    this.asked += 1;
    const turn = this.asked;
    const answer = await this.ask().then(
      (value): Answer<T> => ({ value }),
      (error): Answer<T> => ({ value: this.answer?.value, problem: messageOf(error) }),
    );
    // Something was done since, and it has been asked for again.
    if (turn !== this.asked) return answer;
    this.answer = answer;
    this.asking = undefined;
    return answer;
  }
}
