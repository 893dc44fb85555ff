import type { Tasks } from "../../../packages/task-history/tasks.ts";
import { factsOfLogEntry } from "../../../packages/task-history/worker-line.ts";
import { messageOf } from "../shell/user-error.ts";
import { OF_TASKS, type Stage } from "../tasks/stage-facts.ts";

/** Lines that are this much older than what was read last may still come. */
const LATE_MS = 60_000;
const RETRY_MS = 30_000;

/** Has tasks take over what a stage's log tells of them, as it comes. */
export class StageLog {
  /** Why it cannot be read at the moment. */
  problem: string | undefined;
  /** Whether what was written before the start is still being read. */
  isReading = true;
  private readonly tasks: Tasks;
  private readonly stage: Stage;
  /** From when on lines may be missing. */
  private from: number;

  /** @param since milliseconds since the epoch */
  constructor(tasks: Tasks, stage: Stage, since: number) {
    this.tasks = tasks;
    this.stage = stage;
    this.from = since;
  }

  /**
   * Follows it until the signal aborts, also when it cannot be read for a while.
   *
   * @throws whatever keeps it from being read at all
   */
  async follow(signal: AbortSignal): Promise<void> {
    const { system } = this.stage.session;
    while (!signal.aborted) {
      try {
        const until = system.now();
        await this.read({ until, signal });
        this.from = Math.max(this.from, until - LATE_MS);
        this.problem = undefined;
        this.isReading = false;
        await this.read({ follow: true, signal });
      } catch (error) {
        if (this.isReading) throw error;
        this.problem = messageOf(error);
        await system.sleep(RETRY_MS, signal);
      }
    }
  }

  private async read(options: {
    readonly until?: number;
    readonly follow?: boolean;
    readonly signal: AbortSignal;
  }): Promise<void> {
    const { session, readLog } = this.stage;
    const since = this.from;
    for await (const entry of readLog(session, { ...options, since, filter: OF_TASKS })) {
      for (const fact of factsOfLogEntry(entry)) this.tasks.take(fact);
      // While it is followed; before, lines of a page are no reason to leave out the next one's.
      const at = Date.parse(entry.timestamp);
      const latest = Math.min(at, session.system.now()) - LATE_MS;
      if (options.follow && latest > this.from) this.from = latest;
    }
  }
}
