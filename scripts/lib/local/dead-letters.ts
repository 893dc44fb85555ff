import * as v from "valibot";
import { queueNames } from "../../../packages/console/task-text.ts";
import type { ActOnLetters } from "../../../packages/local-cloud/control/console-source.ts";
import { queueUrl } from "../../../packages/local-cloud/stack/local-ids.ts";
import { type Counts, MAX_BATCH, QueueClient, type Received } from "../queue/client.ts";
import type { Looking, Reader } from "../queue/letters.ts";
import { list } from "../queue/list.ts";
import { purge } from "../queue/purge.ts";
import { redrive } from "../queue/redrive.ts";
import { redriveSaved, save } from "../queue/saved.ts";
import { checkSelection, refuseSelected } from "../queue/selection.ts";
import { findQueue, type StageQueue, withDeadLetters } from "../queue/stage-queues.ts";
import { UsageError } from "../shell/command-line.ts";
import { stopOnSignal } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import { findInstance } from "./queries.ts";

/** The flags of `npm run local -- dead-letters`. */
export interface LetterFlags {
  readonly queue: string | undefined;
  readonly name: string | undefined;
  readonly all: boolean;
  readonly to: string | undefined;
  readonly from: string | undefined;
  readonly "dry-run": boolean;
  readonly json: boolean;
}

const KEY = { accessKeyId: "local", secretAccessKey: "local" };
const ACCESS = { given: true, token: async () => "local" };
const LOOKED = "Looking has changed nothing.";

const cloudSchema = v.object({
  queues: v.array(
    v.object({
      name: v.string(),
      redrive: v.optional(v.object({ deadLetterQueue: v.string() })),
    }),
  ),
  table: v.string(),
});
const attribute = v.object({
  dataType: v.string(),
  stringValue: v.optional(v.string()),
  binaryValue: v.optional(v.string()),
});
const messagesSchema = v.object({
  messages: v.array(
    v.object({
      messageId: v.string(),
      body: v.string(),
      state: v.string(),
      sentAt: v.number(),
      receiveCount: v.number(),
      attributes: v.record(v.string(), attribute),
    }),
  ),
});

/** Does with the dead letters of the local cloud that runs here what the first word says. */
export async function actOnLetters(
  system: System,
  flags: LetterFlags,
  [action, ...ids]: readonly string[],
): Promise<void> {
  const { queue, name, all, to, from, "dry-run": dryRun, json } = flags;
  const selection = { ids, name, all };
  if (action !== "redrive" && (from !== undefined || dryRun))
    throw new UsageError("--from and --dry-run are flags of redrive.");
  if (from !== undefined) refuseSelected(selection);
  else if (action === "redrive" || action === "purge") checkSelection(selection);
  const { control, addresses, environment } = await findInstance(system);
  const cloud = v.parse(cloudSchema, await (await system.fetch(`${control}/api/cloud`)).json());
  const queues = queuesOf(cloud.queues, addresses.queue, queueNames(environment));
  const chosen = withDeadLetters(queue === undefined ? queues : [findQueue(queues, queue)]);
  const { signal: stop } = stopOnSignal();
  const looking = { system, client: new Peek(system, control), stop };
  const reader: Reader = { system, client: new QueueClient(system, KEY, stop), stop };
  switch (action) {
    case undefined: {
      const table = { system, access: ACCESS, endpoint: addresses.tables, table: cloud.table };
      return await list(looking, chosen, { json, table, done: LOOKED });
    }
    case "save":
      return await save(looking, chosen, fileIn(ids));
    case "redrive": {
      const target = to === undefined ? undefined : findQueue(queues, to);
      if (from !== undefined)
        return await redriveSaved(reader, { file: from, queues, target, dryRun });
      return await redrive(reader, { queues: chosen, selection, target, dryRun });
    }
    case "purge":
      return await purge(reader, chosen, selection);
    default:
      throw new UsageError(`"${action}" is no action. Write redrive, purge, save or nothing.`);
  }
}

/**
 * What the page of a local cloud does with dead letters.
 *
 * @param address where its queues are
 */
export function actByIds(system: System, address: string): ActOnLetters {
  return async (kind, ids, { specs, names }) => {
    const said: string[] = [];
    const note = (text: string) => void said.push(text);
    const quiet = { ...system, say: note, warn: note };
    const { signal: stop } = new AbortController();
    const reader: Reader = { system: quiet, client: new QueueClient(quiet, KEY, stop), stop };
    const queues = withDeadLetters(queuesOf(specs, address, names));
    const selection = { ids, name: undefined, all: false };
    if (kind === "delete") await purge(reader, queues, selection);
    else await redrive(reader, { queues, selection, target: undefined, dryRun: false });
    return said.join("\n");
  };
}

function fileIn([file, ...more]: readonly string[]): string {
  if (file !== undefined && more.length === 0) return file;
  throw new UsageError("Give one file: npm run local -- dead-letters save letters.jsonl");
}

function queuesOf(
  specs: readonly v.InferOutput<typeof cloudSchema>["queues"][number][],
  address: string,
  names: ReadonlyMap<string, string>,
): StageQueue[] {
  const dead = new Set(specs.flatMap(({ redrive }) => redrive?.deadLetterQueue ?? []));
  return specs
    .filter(({ name }) => !dead.has(name))
    .map(({ name, redrive }) => ({
      name: names.get(name) ?? "default",
      url: queueUrl(address, name),
      deadLetterUrl: redrive ? queueUrl(address, redrive.deadLetterQueue) : "",
    }));
}

/** Looks into a queue of the local cloud without receiving anything. */
class Peek implements Looking {
  private readonly system: System;
  private readonly control: string;
  private rest: Received[] = [];

  constructor(system: System, control: string) {
    this.system = system;
    this.control = control;
  }

  /** Those that `receive` hands over from then on. */
  async count(url: string): Promise<Counts> {
    const name = url.split("/").at(-1) ?? "";
    const response = await this.system.fetch(`${this.control}/api/messages/${name}`);
    const { messages } = v.parse(messagesSchema, await response.json());
    const waiting = messages.filter(({ state }) => state === "waiting");
    this.rest = waiting.map(({ messageId, state: _, ...message }) => ({
      ...message,
      ...{ id: messageId, handle: "" },
    })) as Received[];
    const inFlight = messages.length - waiting.length;
    return { waiting: waiting.length, inFlight, delayed: 0, visibilitySeconds: 0 };
  }

  async receive(): Promise<Received[]> {
    return this.rest.splice(0, MAX_BATCH);
  }

  async giveBack(): Promise<void> {}
}
