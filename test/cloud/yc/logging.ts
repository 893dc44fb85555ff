import { type Call, type Flags, parseDuration, UsageError } from "../cli.ts";
import { CloudError } from "../errors.ts";
import type { Cloud, StoredLogEntry } from "../state.ts";
import { byId, byName, type Context, type YcCommand } from "./command.ts";

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const HOUR_MS = 3_600_000;
const MAX_LIMIT = 1000;
const MAX_FILTER_CHARACTERS = 1000;
const RESPONSE_BYTES = 3.5 * 1024 * 1024;

const READ: Flags = {
  "group-id": "string",
  "group-name": "string",
  limit: "int",
  since: "string",
  until: "string",
  follow: "bool",
  levels: "string",
  filter: "string",
  "max-response-size": "string",
  "resource-types": "string",
  "resource-ids": "string",
  "stream-names": "string",
};

/** The lines of log groups. https://yandex.cloud/en/docs/cli/cli-ref/logging/cli-ref/read */
export const LOGGING: readonly YcCommand[] = [
  {
    path: "logging read",
    flags: READ,
    args: [0, 3],
    run: (call, context) => {
      const group = findGroup(call, context);
      const refusal = context.change(refuse);
      if (refusal) throw refusal;
      return context.read(({ logs, log }) => {
        const wanted = (logs?.[group] ?? []).filter(selector(call, Date.now()));
        return cutBySize(limit(call, wanted), log.length);
      });
    },
  },
];

function findGroup(call: Call, context: Context): string {
  const groups = context.read((cloud) =>
    Object.entries(cloud.others.yandex_logging_group ?? {}).map(([id, group]) => ({
      id,
      name: String((group as { name?: unknown }).name),
    })),
  );
  const [word] = call.args;
  const id = call.text("group-id");
  if (id !== undefined) return byId("log group", groups, id).id;
  const name = call.text("group-name") ?? word ?? "default";
  return (groups.find((group) => group.id === word) ?? byName("log group", groups, name)).id;
}

function refuse({ faults }: Cloud): CloudError | undefined {
  if (faults.logging === "denied") return new CloudError("PermissionDenied", "Permission denied");
  if (!faults.logging) return undefined;
  faults.logging -= 1;
  return new CloudError("Unavailable", "connection error: desc = transport is closing");
}

function selector(call: Call, now: number): (entry: StoredLogEntry) => boolean {
  const [since, until] = timeSpan(call, now);
  const levels = words(call, "levels")?.map((level) => level.toUpperCase());
  const strange = levels?.find((level) => !LEVELS.includes(level));
  if (strange) throw new UsageError(`unknown level ${JSON.stringify(strange)}`);
  const ids = words(call, "resource-ids");
  const types = words(call, "resource-types");
  const streams = words(call, "stream-names");
  const matches = parseFilter(call.text("filter") ?? call.args[2]);
  return (entry) => {
    const at = Date.parse(entry.timestamp);
    return (
      at >= since &&
      at <= until &&
      Date.parse(entry.saved_at) <= now &&
      has(levels, entry.level) &&
      has(ids, entry.resource.id) &&
      has(types, entry.resource.type) &&
      has(streams, entry.stream_name) &&
      matches(entry)
    );
  };
}

function has(wanted: readonly string[] | undefined, value: string | undefined): boolean {
  return wanted === undefined || wanted.includes(value ?? "");
}

function words(call: Call, flag: string): string[] | undefined {
  return call.text(flag)?.split(",");
}

/** With one end alone it is an hour from there, and with neither the last hour. */
function timeSpan(call: Call, now: number): [number, number] {
  const [since, until] = [call.text("since") ?? call.args[1], call.text("until")];
  if (call.has("follow")) {
    if (since ?? until) throw new UsageError("--follow cannot be used with --since or --until");
    throw new UsageError("this stand-in does not follow");
  }
  const from = since === undefined ? undefined : parseTime(since, now);
  const to = until === undefined ? undefined : parseTime(until, now);
  if (from === undefined) return [(to ?? now) - HOUR_MS, to ?? now];
  return [from, to ?? from + HOUR_MS];
}

function parseTime(text: string, now: number): number {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text))
    return Date.parse(text);
  if (/^\d\d:\d\d:\d\d$/.test(text)) {
    return Date.parse(`${new Date(now).toISOString().slice(0, 10)}T${text}Z`);
  }
  return now - Number.parseFloat(parseDuration(text.replace(/ ago$/, ""))) * 1000;
}

function parseFilter(text: string | undefined): (entry: StoredLogEntry) => boolean {
  if (text === undefined) return () => true;
  if (text.length > MAX_FILTER_CHARACTERS) {
    throw new CloudError("InvalidArgument", "filter: Must be shorter than 1000 characters");
  }
  const alternatives = text.split(" OR ").map((part) => parseEquation(part));
  return (entry) => alternatives.some((matches) => matches(entry));
}

function parseEquation(text: string): (entry: StoredLogEntry) => boolean {
  const [, field = "", value = ""] = /^json_payload\.(\w+) = ("(?:[^"\\]|\\.)*")$/.exec(text) ?? [];
  if (!field) throw new CloudError("InvalidArgument", `filter: syntax error in ${text}`);
  const wanted: unknown = JSON.parse(value);
  return (entry) => entry.json_payload?.[field] === wanted;
}

/** Of too many the earliest are left out. */
function limit(call: Call, entries: readonly StoredLogEntry[]): StoredLogEntry[] {
  const most = Number(call.text("limit") ?? 100);
  if (most < 1 || most > MAX_LIMIT) {
    throw new CloudError("InvalidArgument", "page_size: Value must be in range 1-1000");
  }
  return entries
    .toSorted((one, other) => other.timestamp.localeCompare(one.timestamp))
    .slice(0, most);
}

// The order is promised nowhere, so it is another one each time.
function cutBySize(entries: readonly StoredLogEntry[], calls: number): StoredLogEntry[] {
  let size = 0;
  const kept = entries.filter((entry) => {
    size += Buffer.byteLength(JSON.stringify(entry));
    return size <= RESPONSE_BYTES;
  });
  return calls % 2 === 0 ? kept : kept.toReversed();
}
