import type { Tasks } from "../../../packages/task-history/tasks.ts";
import { readResults, resultFact } from "../cloud/task-results.ts";
import type { Letter, Passage, Reader } from "../queue/letters.ts";
import { type StageQueue, stageQueues } from "../queue/stage-queues.ts";
import { messageOf } from "../shell/user-error.ts";
import { readLetters, type Stage, tableOf } from "../tasks/stage-facts.ts";

/** A look that counts no other number of letters is good for so long. */
const GOOD_MS = 60_000;

/** A dead letter as it was last seen, without its content. */
export interface SeenLetter extends Pick<Letter, "id" | "sentAt"> {
  readonly queue: StageQueue;
  readonly taskId: string;
}

/** What was seen among the dead letters. */
export interface Look {
  readonly letters: readonly SeenLetter[];
  readonly passages: readonly Passage[];
  /** Why there are no results with them. */
  readonly problem?: string;
}

/**
 * The dead letters of a stage. A look receives them, so what the last one has shown is shown again while
 * their number stays the same, for a minute.
 */
export class StageLetters {
  private readonly tasks: Tasks;
  private readonly stage: Stage;
  private last: { readonly at: number; readonly counts: string; readonly look: Look } | undefined;
  /** Nobody finds a letter that another one holds. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(tasks: Tasks, stage: Stage) {
    this.tasks = tasks;
    this.stage = stage;
  }

  /** What is there, and the last look if that may still be so. */
  look(reader: Reader, counts: readonly number[]): Promise<Look> {
    return this.alone(async () => {
      const now = this.stage.session.system.now();
      const { last } = this;
      const isGood = last && last.counts === String(counts) && now - last.at < GOOD_MS;
      if (isGood) return last.look;
      const look = await this.lookNow(reader);
      this.last = { at: now, counts: String(counts), look };
      return look;
    });
  }

  /** Queues among whose dead letters these messages were seen; all where one was not. */
  queuesOf(messageIds: readonly string[]): readonly StageQueue[] {
    const seen = new Map(this.last?.look.letters.map(({ id, queue }) => [id, queue]));
    const found = messageIds.flatMap((id) => seen.get(id) ?? []);
    return found.length === messageIds.length ? [...new Set(found)] : this.queues;
  }

  /** The letter of a task; `undefined` where it is not there any more. */
  find(reader: Reader, taskId: string, queue?: string): Promise<Letter | undefined> {
    const own = this.queues.filter(({ name }) => name === queue);
    let found: Letter | undefined;
    const onLetters = async (letters: readonly Letter[]) => {
      found ??= letters.find(({ task }) => task?.id === taskId);
    };
    return this.alone(async () => {
      const queues = own.length > 0 ? own : this.queues;
      await readLetters(this.tasks, reader, queues, {
        onLetters,
        isEnough: () => found !== undefined,
      });
      return found;
    });
  }

  /** Has letters moved or deleted while nobody else holds any. */
  change<T>(act: () => Promise<T>): Promise<T> {
    return this.alone(() => {
      this.last = undefined;
      return act();
    });
  }

  private get queues(): readonly StageQueue[] {
    return stageQueues(this.stage.app).filter(({ deadLetterUrl }) => deadLetterUrl);
  }

  private async lookNow(reader: Reader): Promise<Look> {
    const letters: SeenLetter[] = [];
    let problem: string | undefined;
    const onLetters = async (some: readonly Letter[]) => {
      for (const { id, sentAt, queue, task } of some)
        letters.push({ id, sentAt, queue, taskId: task?.id ?? id });
      problem ??= await this.readResults(some);
    };
    const passages = await readLetters(this.tasks, reader, this.queues, { onLetters });
    return { letters, passages, ...(problem !== undefined && { problem }) };
  }

  /** Returns why there are none. */
  private async readResults(letters: readonly Letter[]): Promise<string | undefined> {
    const ids = letters.flatMap(({ task }) => task?.id ?? []);
    try {
      for (const [id, result] of await readResults(tableOf(this.stage), ids))
        this.tasks.take(resultFact(id, result));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  private alone<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.turn.then(act, act);
    this.turn = turn.catch(() => {});
    return turn;
  }
}
