import { randomUUID } from "node:crypto";
import type { Action, ActionResult } from "../../../packages/console/source.ts";
import { isObject } from "../../../packages/local-cloud/support/json.ts";
import type { Fact } from "../../../packages/task-history/fact.ts";
import { type NewArguments, repeatTask } from "../../../packages/task-history/repeat-task.ts";
import type { TaskRecord } from "../../../packages/task-history/task-record.ts";
import type { Content } from "../queue/client.ts";
import type { Reader } from "../queue/letters.ts";
import { purge } from "../queue/purge.ts";
import { redrive } from "../queue/redrive.ts";
import { stageQueues } from "../queue/stage-queues.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import type { Stage } from "../tasks/stage-facts.ts";
import { SETTLING_MINUTES } from "../triggers/plan.ts";
import { runTriggers } from "../triggers/triggers.ts";
import { newMessage } from "./new-message.ts";
import { parsePython } from "./python-text.ts";
import type { StageLetters } from "./stage-letters.ts";

const NOT_LOGGED =
  "Its arguments are not known: a stage's log has them only with push_worker_log_arguments, and not of a retry.";
const NOT_WHOLE =
  "Its arguments are in the log as Python's text, which is cut, hidden or of values that JSON does not have.";
const UNREADABLE = /\.\.\.|…|\*\*\*/;

/** What is known of a task that may be run again. */
export interface KnownTask {
  readonly task: TaskRecord;
  readonly facts: readonly Fact[];
}

/** Does for the page what the commands do. */
export class StageActions {
  private readonly stage: Stage;
  private readonly letters: StageLetters;
  private readonly reader: Reader | string;
  private readonly find: (id: string) => KnownTask | undefined;

  constructor(
    stage: Stage,
    letters: StageLetters,
    reader: Reader | string,
    find: (id: string) => KnownTask | undefined,
  ) {
    this.stage = stage;
    this.letters = letters;
    this.reader = reader;
    this.find = find;
  }

  /** @throws UserError with what has kept it from being done, or what was done of it */
  async act(action: Action): Promise<ActionResult> {
    switch (action.kind) {
      case "pause":
      case "resume":
        return await this.turn(action.kind);
      case "redrive":
      case "delete":
        return await this.change(action.kind, action.messageIds);
      case "again":
        return await this.again(action.id);
      case "run":
        return await this.run(action.id, action);
      default:
        throw new UserError(`"${action.kind}" is not possible in a deployed stage.`);
    }
  }

  /** Why a task cannot be run again; `undefined` where it can. */
  whyNotAgain({ task, facts }: KnownTask): string | undefined {
    if (typeof this.reader === "string") return this.reader;
    if (task.name === undefined) return "It is not a message of Celery's.";
    if (task.state === "dead") return undefined;
    const texts = loggedArguments(facts);
    if (texts === undefined) return NOT_LOGGED;
    return parseArguments(texts) === undefined ? NOT_WHOLE : undefined;
  }

  private async turn(action: "pause" | "resume"): Promise<ActionResult> {
    const { session, app } = this.stage;
    const lines = await runTriggers(session, { action, specs: app.triggers });
    if (lines.length === 0) return { message: `The triggers are ${action}d already.` };
    const slowly = ` It can take ${SETTLING_MINUTES} minutes to work.`;
    return { message: `${lines.join(", ")}.${action === "pause" ? slowly : ""}` };
  }

  /** As `npm run dead-letters` does; what that prints is the message. */
  private async change(
    kind: "redrive" | "delete",
    messageIds: readonly string[],
  ): Promise<ActionResult> {
    const { client, stop, system } = this.readerOrThrow();
    const lines: string[] = [];
    const say = (text: string) => void lines.push(text);
    const reader = { client, stop, system: { ...system, say, warn: say } };
    const selection = { ids: messageIds, name: undefined, all: false };
    const queues = this.letters.queuesOf(messageIds);
    const options = { queues, selection, target: undefined, dryRun: false };
    try {
      await this.letters.change(() =>
        kind === "redrive" ? redrive(reader, options) : purge(reader, queues, selection),
      );
    } catch (error) {
      throw new UserError([...lines, messageOf(error)].join(" "), { cause: error });
    }
    return { message: lines.join(" ") };
  }

  private async again(id: string): Promise<ActionResult> {
    const { task, facts } = this.knownOrThrow(id);
    const given = parseArguments(loggedArguments(facts) ?? []);
    const isLogged = task.state !== "dead" && given !== undefined;
    return isLogged ? await this.call(task, given) : await this.repeat(task);
  }

  private async run(id: string, given: NewArguments): Promise<ActionResult> {
    const { task } = this.knownOrThrow(id);
    return task.state === "dead" ? await this.repeat(task, given) : await this.call(task, given);
  }

  /** From the bytes of its dead letter, which stays where it is. */
  private async repeat(task: TaskRecord, given?: NewArguments): Promise<ActionResult> {
    const reader = this.readerOrThrow();
    const letter = await this.letters.find(reader, task.id, task.queue);
    if (letter === undefined) {
      throw new UserError("Its dead letter is not there any more, or somebody else holds it.");
    }
    const id = randomUUID();
    const { attributes, queue } = letter;
    return await this.send(id, queue.url, { body: repeatTask(letter.body, id, given), attributes });
  }

  private async call(
    { name = "", queue: wanted }: TaskRecord,
    { args, kwargs }: NewArguments,
  ): Promise<ActionResult> {
    const queues = stageQueues(this.stage.app);
    const queue = queues.find((one) => one.name === wanted) ?? queues[0];
    const id = randomUUID();
    const body = newMessage({ id, name, args, kwargs, queue: queue?.name ?? "" });
    return await this.send(id, queue?.url ?? "", { body, attributes: {} });
  }

  private async send(id: string, url: string, content: Content): Promise<ActionResult> {
    const [refused] = await this.readerOrThrow().client.send(url, [content]);
    if (refused) throw new UserError(`The queue did not take it: ${refused[1]}.`);
    return { id, message: `Sent as ${id}. It is listed when its first delivery has ended.` };
  }

  private knownOrThrow(id: string): KnownTask {
    const known = this.find(id);
    if (known === undefined) throw new UserError(`Task ${id} is not known any more.`);
    const reason = this.whyNotAgain(known);
    if (reason !== undefined) throw new UserError(reason);
    return known;
  }

  private readerOrThrow(): Reader {
    if (typeof this.reader === "string") throw new UserError(this.reader);
    return this.reader;
  }
}

/** Python's texts of the arguments, where the log has them. */
function loggedArguments(facts: readonly Fact[]): readonly string[] | undefined {
  const sent = facts.findLast((fact) => fact.kind === "sent" && fact.task?.args !== undefined);
  if (sent?.kind !== "sent" || sent.id.startsWith("letter/")) return undefined;
  return sent.task?.args?.map(String);
}

function parseArguments(texts: readonly string[]): Pick<TaskRecord, "args" | "kwargs"> | undefined {
  const [args = "", kwargs = ""] = texts;
  if (UNREADABLE.test(args + kwargs)) return undefined;
  const [list, named] = [parsePython(args), parsePython(kwargs)];
  return Array.isArray(list) && isObject(named) ? { args: list, kwargs: named } : undefined;
}
