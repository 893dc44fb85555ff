import * as v from "valibot";
import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import { formatEntry, type LogStyle } from "../logs/log-text.ts";
import { parseSince } from "../logs/since.ts";
import { UsageError } from "../shell/command-line.ts";
import { stopWithReader } from "../shell/interrupt.ts";
import { coloured, plain } from "../shell/style.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { findInstance } from "./queries.ts";

/** The flags of `npm run local -- logs`. */
export interface LocalLogFlags {
  readonly task: string | undefined;
  readonly container: string | undefined;
  readonly level: string | undefined;
  readonly since: string | undefined;
  readonly follow: boolean;
  readonly json: boolean;
}

/** The lowest first, as Cloud Logging calls them. */
const LEVELS = ["debug", "info", "warn", "error"] as const;

const lineSchema = v.looseObject({
  ...{ type: v.literal("log"), sequence: v.number(), at: v.number(), container: v.string() },
  ...{ level: v.picklist(["debug", "info", "warning", "error"]), message: v.string() },
  taskId: v.optional(v.string()),
});
type Line = v.InferOutput<typeof lineSchema>;
const cloudSchema = v.object({
  ...{ run: v.string(), containers: v.array(v.object({ name: v.string() })) },
  project: v.string(),
});

/** Prints what the containers of the local cloud that runs here have logged, as long as it is kept. */
export async function printLocalLogs(
  system: System,
  flags: LocalLogFlags,
  stop = stopWithReader,
): Promise<void> {
  const { follow, json } = flags;
  const since = flags.since === undefined ? 0 : parseSince(flags.since, system.now());
  const least = leastOf(flags);
  const { control } = await findInstance(system);
  const cloud = v.parse(cloudSchema, await (await system.fetch(`${control}/api/cloud`)).json());
  const short = (name: string) => name.replace(`${cloud.project}-`, "");
  const names = new Map(cloud.containers.map(({ name }) => [name, short(name)]));
  refuseUnknown(flags.container, names);
  const paint = system.interactive && !system.env.NO_COLOR ? coloured : plain;
  const isWanted = ({ at, level, container, taskId }: Line) =>
    at >= since &&
    rankOf(level) >= least &&
    (flags.task === undefined || taskId === flags.task) &&
    [undefined, container, short(container)].includes(flags.container);
  const print = (line: Line) =>
    system.say(json ? formatJson(line) : formatLine(line, { paint, names }));

  const response = await system.fetch(`${control}/api/log`);
  const { last, lines } = v.parse(
    v.object({ last: v.number(), lines: v.array(lineSchema) }),
    await response.json(),
  );
  const wanted = lines.filter(isWanted);
  for (const line of wanted) print(line);
  if (!follow) {
    if (wanted.length === 0) system.warn("No such line is kept.");
    return;
  }
  const { signal } = stop();
  for await (const line of followLines(system, control, `${cloud.run}.${last}`, signal)) {
    if (isWanted(line)) print(line);
  }
}

/** What is logged from an event on, until the signal aborts or the local cloud ends. */
async function* followLines(
  system: System,
  control: string,
  lastId: string,
  signal: AbortSignal,
): AsyncGenerator<Line> {
  const init = { headers: { "Last-Event-ID": lastId }, signal, patient: true };
  try {
    const { body } = await system.fetch(`${control}/api/events`, init);
    let rest = "";
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const texts = `${rest}${chunk}`.split("\n");
      rest = texts.pop() ?? "";
      for (const text of texts) {
        if (!text.startsWith("data: ")) continue;
        const { success, output } = v.safeParse(lineSchema, JSON.parse(text.slice(6)));
        if (success) yield output;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function formatLine({ sequence, at, level, container, message }: Line, style: LogStyle): string {
  const entry = { uid: `${sequence}`, timestamp: new Date(at).toISOString(), message };
  const name = level === "warning" ? "WARN" : level.toUpperCase();
  return formatEntry({ ...entry, level: name, resource: { id: container } }, style);
}

function leastOf({ level = "debug" }: LocalLogFlags): number {
  const rank = rankOf(level);
  if (rank >= 0) return rank;
  throw new UsageError(`--level ${level} is no level. Levels: ${LEVELS.join(", ")}.`);
}

function rankOf(level: string): number {
  return LEVELS.findIndex((name) => level === name || (level === "warning" && name === "warn"));
}

function refuseUnknown(container: string | undefined, names: ReadonlyMap<string, string>): void {
  const known = [...names.values()];
  if (container === undefined || names.has(container) || known.includes(container)) return;
  throw new UserError(`Container "${container}" is not in the stack (known: ${known.join(", ")}).`);
}
