import { resolve } from "node:path";
import { familyOf, rootOf } from "../../../packages/console/family.ts";
import { groupLetters } from "../../../packages/console/groups.ts";
import { hourOf } from "../../../packages/console/hour.ts";
import { presentReason } from "../../../packages/console/reasons.ts";
import type {
  Action,
  ActionKind,
  ActionResult,
  ConsoleSource,
  DeadLetterGroup,
  Hour,
  ListFilter,
  Overview,
  TaskDetail,
  TaskList,
  TaskSummary,
  TimerView,
} from "../../../packages/console/source.ts";
import { stepsOf } from "../../../packages/console/steps.ts";
import { countShown, summarize, summarizeMember } from "../../../packages/console/summary.ts";
import { listTasks } from "../../../packages/console/task-list.ts";
import { nextTime, parseCron } from "../../../packages/local-cloud/trigger/cron.ts";
import type { TaskRecord } from "../../../packages/task-history/task-record.ts";
import { type TaskFilter, Tasks } from "../../../packages/task-history/tasks.ts";
import { describeRest } from "../queue/describe.ts";
import type { Reader } from "../queue/letters.ts";
import { formatMoment } from "../shell/style.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import { readResult, readStory, type Stage, TASK_ID } from "../tasks/stage-facts.ts";
import { locate } from "./location.ts";
import { type KnownTask, StageActions } from "./stage-actions.ts";
import { type Look, StageLetters } from "./stage-letters.ts";
import { StageLog } from "./stage-log.ts";
import { StageStatus } from "./stage-status.ts";

/** Of what needs no key to the queues. */
const SWITCHES: readonly ActionKind[] = ["pause", "resume"];
/** No command fires a timer of a stage, and nothing can `step` there. */
const ACTIONS: readonly ActionKind[] = ["again", "run", "redrive", "delete", ...SWITCHES];
/** How far back a task is looked for that was not in the log since the page was opened for it. */
const STORY_MS = 3 * 86_400_000;
/** A chain that was published from within itself has no end. */
const MAX_FAMILY = 500;
/** Tasks of which it is known when they were read. */
const MAX_READ = 1000;

/** How a stage is shown. */
export interface StageSourceOptions {
  readonly title: string;
  /** From when on its log is read, in milliseconds since the epoch. */
  readonly since: number;
  /** Whether the page may do anything. */
  readonly act: boolean;
  /** Who goes through its dead letters; where there is no key to the queues: why. */
  readonly reader: Reader | string;
}

/** A deployed stage, for the page: from its log, its results table and its queues. */
export class StageSource implements ConsoleSource {
  private readonly stage: Stage;
  private readonly options: StageSourceOptions;
  private readonly history: Tasks;
  private readonly log: StageLog;
  private readonly letters: StageLetters;
  private readonly status: StageStatus;
  private readonly actions: StageActions;
  private readonly listeners = new Set<(ids: readonly string[]) => void>();
  /** When each task had changed last whose result and lines were read. */
  private readonly readAt = new Map<string, number>();
  /** Why a result or the lines of a task could not be read. */
  private problem: string | undefined;
  private look: Look | undefined;

  constructor(stage: Stage, options: StageSourceOptions) {
    const { since, reader } = options;
    this.stage = stage;
    this.options = options;
    this.history = new Tasks((id) => this.tell(id));
    this.log = new StageLog(this.history, stage, since);
    this.letters = new StageLetters(this.history, stage);
    const client = typeof reader === "string" ? undefined : reader.client;
    this.status = new StageStatus(stage.session, stage.app, client);
    this.actions = new StageActions(stage, this.letters, reader, (id) => this.known(id));
  }

  /**
   * Follows the stage's log until the signal aborts.
   *
   * @throws whatever keeps it from being read at all
   */
  follow(signal: AbortSignal): Promise<void> {
    return this.log.follow(signal);
  }

  async overview(): Promise<Overview> {
    const { title, act, reader } = this.options;
    const { session, app } = this.stage;
    const { stage } = session.settings;
    const { queues, paused, problems } = await this.status.current();
    const actions = typeof reader === "string" ? SWITCHES : ACTIONS;
    return {
      ...{ title, source: "stage", ...(stage !== undefined && { stage }) },
      ...{ actions: act ? actions : [], paused, note: this.note(problems) },
      ...{ counts: countShown(this.history.count(this.now)), queues, timers: this.timers() },
      containers: Object.keys(app.containers).map((name) => ({ name, state: "deployed" })),
    };
  }

  async tasks(filter: ListFilter): Promise<TaskList> {
    return listTasks(this.list, filter, asItIs);
  }

  async summaries(ids: readonly string[]): Promise<readonly TaskSummary[]> {
    return ids.flatMap((id) => {
      const task = this.find(id);
      return task ? summarize(task, asItIs) : [];
    });
  }

  /** What is known of it at once; its result and its own lines come as a change. */
  async task(id: string): Promise<TaskDetail | undefined> {
    if (!TASK_ID.test(id)) return undefined;
    const reading = this.readMore(id).catch((error) => {
      this.problem = messageOf(error);
    });
    if (this.find(id) === undefined) await reading;
    const known = this.known(id);
    return known && this.describe(known);
  }

  async deadLetters(): Promise<readonly DeadLetterGroup[]> {
    const { reader } = this.options;
    if (typeof reader === "string") throw new UserError(reader);
    this.look = await this.letters.look(reader, await this.status.deadNow());
    return groupLetters(
      this.look.letters.map(({ id: messageId, sentAt, queue, taskId }) => {
        const { name = "", error } = this.find(taskId) ?? {};
        return { messageId, taskId, name, queue: queue.name, sentAt, ...(error && { error }) };
      }),
    );
  }

  async hour(): Promise<Hour> {
    return hourOf(this.history.times(this.now), this.now);
  }

  subscribe(listener: (ids: readonly string[]) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async act(action: Action): Promise<ActionResult> {
    if (!this.options.act) throw new UserError("This page only shows. Open it with --act.");
    try {
      return await this.actions.act(action);
    } finally {
      this.status.forget();
    }
  }

  private readonly list = (filter: TaskFilter) => this.history.list(this.now, filter);

  private get now(): number {
    return this.stage.session.system.now();
  }

  private find(id: string): TaskRecord | undefined {
    return this.history.find(id, this.now);
  }

  private known(id: string) {
    const task = this.find(id);
    return task && { task, facts: this.history.factsOf(id) };
  }

  private describe(known: KnownTask): TaskDetail {
    const { task, facts } = known;
    const { queue } = task;
    const isTold = facts.some((fact) => fact.kind === "sent" && fact.task?.args !== undefined);
    const visibilitySeconds = this.status.visibilityOf(queue);
    const context = {
      now: this.now,
      ...(queue && { queue }),
      ...(visibilitySeconds && { visibilitySeconds }),
    };
    const waiting = presentReason(task, { queue, paused: this.status.isPaused });
    const { system, settings } = this.stage.session;
    const folder = resolve(system.root, settings.image.context);
    const location = locate(task.error?.traceback ?? "", folder);
    const family = this.list({ root: rootOf(task), limit: MAX_FAMILY });
    const notAgain = this.actions.whyNotAgain(known);
    return {
      ...{ task, summary: summarize(task, asItIs), steps: stepsOf(task, context) },
      family: familyOf(task, family).map((member) => summarizeMember(member, asItIs)),
      ...(waiting && { waiting }),
      ...(location !== undefined && { location }),
      ...(!isTold && { areArgumentsUnknown: true }),
      ...(notAgain !== undefined && { notAgain }),
    };
  }

  private timers(): TimerView[] {
    const { triggers } = this.stage.app;
    return Object.entries(triggers).flatMap(([name, spec]) => {
      if (spec.kind !== "timer") return [];
      const nextAt = nextTime(parseCron(spec.cron), this.now);
      return [{ name, schedule: spec.cron, ...(nextAt !== undefined && { nextAt }) }];
    });
  }

  private note(problems: readonly string[]): string {
    const { since, reader } = this.options;
    const { isReading, problem } = this.log;
    return [
      `Tasks whose deliveries have ended since ${formatMoment(since, this.now)}, as the log tells.`,
      isReading ? "It is still being read." : "",
      typeof reader === "string" ? reader : "Looking at dead letters raises their receive counts.",
      describeRest(this.look?.passages ?? []),
      ...[problem, this.problem, this.look?.problem, ...problems].filter(Boolean),
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** Once after each change of it: its result, the lines of its log, and its family's. */
  private async readMore(id: string): Promise<void> {
    const changedAt = this.find(id)?.changedAt ?? 0;
    if (this.readAt.get(id) === changedAt) return;
    this.readAt.delete(id);
    this.readAt.set(id, changedAt);
    for (const [other] of this.readAt) {
      if (this.readAt.size > MAX_READ) this.readAt.delete(other);
    }
    const result = () => readResult(this.history, this.stage, id);
    const story = () => readStory(this.history, this.stage, id, this.now - STORY_MS);
    if (changedAt > 0) await Promise.all([result(), story()]);
    else await story().then(result);
    this.problem = undefined;
    // Its result may have come after what was known of it.
    this.readAt.set(id, this.find(id)?.changedAt ?? 0);
  }

  private tell(id: string): void {
    for (const listener of this.listeners) listener([id]);
  }
}

/** A stage's log has Celery's names of the queues. */
function asItIs(queue: string | undefined): string | undefined {
  return queue;
}
