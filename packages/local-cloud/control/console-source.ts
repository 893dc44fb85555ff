import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { familyOf, rootOf } from "../../console/family.ts";
import { type DeadLetter, groupLetters } from "../../console/groups.ts";
import { hourOf } from "../../console/hour.ts";
import { presentReason } from "../../console/reasons.ts";
import type {
  Action,
  ActionKind,
  ActionResult,
  ConsoleSource,
  Hour,
  ListFilter,
  Overview,
  QueueView,
  TaskList,
} from "../../console/source.ts";
import { stepsOf } from "../../console/steps.ts";
import { countShown, summarize, summarizeMember } from "../../console/summary.ts";
import { listTasks } from "../../console/task-list.ts";
import { findLocation, queueNames } from "../../console/task-text.ts";
import { decodeTask } from "../../task-history/decode-task.ts";
import { type NewArguments, repeatTask, whyNotRepeatable } from "../../task-history/repeat-task.ts";
import type { TaskRecord } from "../../task-history/task-record.ts";
import type { Deployment } from "../deployment/deployment.ts";
import type { EventStore } from "../events/store.ts";
import type { PeekedMessage, Queues } from "../queue/queues.ts";
import type { QueueSpec } from "../stack/blueprint.ts";
import { clientEnvironment } from "./client-environment.ts";

const MIB = 1024 * 1024;
/** A chain that was published from within itself has no end. */
const MAX_FAMILY = 500;
const ALWAYS: readonly ActionKind[] = ["again", "run", "fire", "pause", "resume", "step"];
const FOREIGN_MESSAGE = "Its message is not Celery's.";
const UNKNOWN_MESSAGE =
  "Its message is not kept any more: it was sent before this start, or too many after it.";

/**
 * Sends dead letters back to their queues, or deletes them, by the ids of their messages. Returns what
 * was done, in words.
 */
export type ActOnLetters = (
  kind: "redrive" | "delete",
  messageIds: readonly string[],
  place: {
    readonly specs: readonly QueueSpec[];
    /** Celery's names of the queues beside its default one, by the cloud's. */
    readonly names: ReadonlyMap<string, string>;
  },
) => Promise<string>;

/** What the page of the local cloud shows and acts on. */
export interface LocalSourceOptions {
  readonly events: EventStore;
  readonly queues: Queues;
  /** What runs at the moment. */
  readonly current: () => Deployment;
  /** The project's folder. */
  readonly root: string;
  /** @default - the page can do nothing with dead letters */
  readonly actOnLetters?: ActOnLetters | undefined;
}

/** The local cloud, for the page. Looking changes nothing: queues are looked into, never received from. */
export class LocalSource implements ConsoleSource {
  private readonly options: LocalSourceOptions;

  constructor(options: LocalSourceOptions) {
    this.options = options;
  }

  async overview(): Promise<Overview> {
    const { events, actOnLetters } = this.options;
    const { blueprint, triggers } = this.current;
    return {
      ...{ title: blueprint.project, source: "local", paused: triggers.paused },
      actions: actOnLetters ? [...ALWAYS, "redrive", "delete"] : ALWAYS,
      counts: countShown(events.countTasks()),
      containers: this.containers(),
      queues: this.sources().map((spec) => this.viewQueue(spec)),
      timers: this.timers(),
    };
  }

  async tasks(filter: ListFilter): Promise<TaskList> {
    return listTasks((wanted) => this.options.events.tasks(wanted), filter, this.queueNamer());
  }

  async summaries(ids: readonly string[]) {
    const nameQueue = this.queueNamer();
    return ids.flatMap((id) => {
      const task = this.options.events.task(id);
      return task ? [summarize(task, nameQueue)] : [];
    });
  }

  async task(id: string) {
    const { events, queues, root } = this.options;
    const task = events.task(id);
    if (task === undefined) return undefined;
    const nameQueue = this.queueNamer();
    const queue = nameQueue(task.queue);
    const roots = this.current.blueprint.containers.map(({ source }) => resolve(root, source));
    const family = familyOf(task, events.tasks({ root: rootOf(task), limit: MAX_FAMILY }));
    const body = queues.sentTasks.find(id)?.body;
    return {
      ...{ task, summary: summarize(task, nameQueue) },
      steps: stepsOf(task, { queue, ...this.patienceOf(task), now: Date.now() }),
      waiting: presentReason(task, { queue, paused: this.current.triggers.paused }),
      family: family.map((member) => summarizeMember(member, nameQueue)),
      location: findLocation(task.error?.traceback ?? "", roots),
      notAgain: whyNotAgain(task, body),
    };
  }

  async deadLetters() {
    const { queues } = this.options;
    const nameQueue = this.queueNamer();
    const letters = this.sources().flatMap(({ name, redrive }) => {
      if (redrive === undefined) return [];
      // Several queues may have one for their dead letters.
      return queues
        .peek(redrive.deadLetterQueue)
        .filter(({ from = name }) => from === name)
        .map((message) => this.describeLetter(message, nameQueue(name)));
    });
    return groupLetters(letters);
  }

  async hour(): Promise<Hour> {
    return hourOf(this.options.events.taskTimes(), Date.now());
  }

  subscribe(listener: (ids: readonly string[]) => void): () => void {
    return this.options.events.subscribeTasks((id) => listener([id]));
  }

  async act(action: Action): Promise<ActionResult> {
    const { triggers, timers } = this.current;
    switch (action.kind) {
      case "again":
        return await this.repeat(action.id);
      case "run":
        return await this.repeat(action.id, action);
      case "redrive":
      case "delete":
        return { message: await this.actOnLetters(action.kind, action.messageIds) };
      case "fire":
        return {
          message: `Timer ${action.timer} was answered ${await timers.fire(action.timer)}.`,
        };
      case "pause":
        triggers.pause();
        return { message: "Paused: messages stay in their queues." };
      case "resume":
        triggers.resume();
        return { message: "Resumed." };
      case "step":
        return await this.step();
    }
  }

  /**
   * Sends a task once more, as a task of its own: to the queue that it was first sent to, by what a
   * client's request does. Its delay, what follows it and its family are not repeated.
   */
  private async repeat(id: string, given?: NewArguments): Promise<ActionResult> {
    const { queues } = this.options;
    const sent = queues.sentTasks.find(id);
    if (sent === undefined) {
      const task = this.options.events.task(id);
      throw new Error((task && whyNotAgain(task, undefined)) ?? UNKNOWN_MESSAGE);
    }
    const newId = randomUUID();
    const { queue, attributes } = sent;
    const body = repeatTask(sent.body, newId, given);
    await queues.caughtUp();
    queues.send(queue, { body, attributes });
    await queues.kept();
    return { id: newId, message: `Sent to queue ${this.queueNamer()(queue)}.` };
  }

  private async actOnLetters(kind: "redrive" | "delete", messageIds: readonly string[]) {
    const { actOnLetters } = this.options;
    if (actOnLetters === undefined) throw new Error("Nothing here acts on dead letters.");
    const { queues: specs } = this.current.blueprint;
    return await actOnLetters(kind, messageIds, { specs, names: this.names() });
  }

  private async step(): Promise<ActionResult> {
    const { triggers } = this.current;
    if (!triggers.paused) throw new Error("Pause first: a step takes one message while all wait.");
    const message = await triggers.step();
    if (message === undefined) {
      throw new Error("No message can be taken now: none waits, or the container is busy.");
    }
    const id = decodeTask(message.body)?.id ?? message.messageId;
    return { id, message: "One message was taken." };
  }

  private get current(): Deployment {
    return this.options.current();
  }

  private names(): ReadonlyMap<string, string> {
    const { blueprint, site } = this.current;
    return queueNames(clientEnvironment(blueprint, site));
  }

  private queueNamer() {
    const names = this.names();
    return (queue: string | undefined) => queue && (names.get(queue) ?? "default");
  }

  /** The queues that are not for dead letters. */
  private sources(): readonly QueueSpec[] {
    const { queues } = this.current.blueprint;
    const dead = new Set(queues.flatMap(({ redrive }) => redrive?.deadLetterQueue ?? []));
    return queues.filter(({ name }) => !dead.has(name));
  }

  private viewQueue({ name, redrive }: QueueSpec): QueueView {
    const { queues } = this.options;
    const counts = redrive && queues.counts(redrive.deadLetterQueue);
    const dead = counts ? counts.waiting + counts.inFlight + counts.delayed : 0;
    return { name: this.queueNamer()(name) ?? name, ...queues.counts(name), dead };
  }

  private containers(): Overview["containers"] {
    const { blueprint, containers } = this.current;
    return containers.states.map(({ name, state, pid, memoryMib, requests }) => {
      const { concurrency = 1, memoryMib: limit = 0 } =
        blueprint.containers.find((spec) => spec.name === name) ?? {};
      return {
        ...{ name, state, pid, concurrency, busy: Math.min(requests, concurrency) },
        ...{ memoryBytes: memoryMib && memoryMib * MIB, memoryLimitBytes: limit * MIB },
      };
    });
  }

  private timers(): Overview["timers"] {
    const { blueprint, timers } = this.current;
    return blueprint.timers.map(({ name, cron: schedule }) => {
      const [next] = timers.next(name, 1);
      return { name, schedule, nextAt: next?.getTime(), lastStatus: timers.lastStatus(name) };
    });
  }

  private patienceOf({ queue }: TaskRecord) {
    const { queues } = this.options;
    return queue !== undefined && queues.has(queue)
      ? { visibilitySeconds: queues.specOf(queue).visibilityTimeoutSeconds }
      : {};
  }

  private describeLetter(
    { messageId, body, sentAt }: PeekedMessage,
    queue = "default",
  ): DeadLetter {
    const { id: taskId = messageId, name = "" } = decodeTask(body) ?? {};
    const task = this.options.events.task(taskId);
    const { reason: type = "" } = task?.attempts.at(-1) ?? {};
    return { messageId, taskId, name, queue, sentAt, error: task?.error ?? { type, message: "" } };
  }
}

function whyNotAgain({ name, queue }: TaskRecord, body: string | undefined): string | undefined {
  // Of a task that only the table knows, the name is not known either.
  if (name === undefined && queue !== undefined) return FOREIGN_MESSAGE;
  return body === undefined ? UNKNOWN_MESSAGE : whyNotRepeatable(body);
}
