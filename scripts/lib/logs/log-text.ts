import { harmless } from "../../../packages/local-cloud/support/harmless.ts";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import type { Paint } from "../shell/style.ts";

const COLOURS = { WARN: "yellow", ERROR: "red", FATAL: "red" } as const;
const LEVEL_WIDTH = 5;
const INDENT = "    ";
/** The platform's own lines about a request. */
const PLATFORM = /^(START|END|REPORT) RequestID: /;

/** How lines are shown. */
export interface LogStyle {
  readonly paint: Paint;
  /** Names of what writes to the log, by id. */
  readonly names: ReadonlyMap<string, string>;
}

/** Whether the platform has written it, and not the program. */
export function isPlatform({ message = "" }: LogEntry): boolean {
  return PLATFORM.test(message);
}

/** An entry as text: one line, and below it the rest of its message and the traceback, whole. */
export function formatEntry(entry: LogEntry, { paint, names }: LogStyle): string {
  const { level = "", message = "", resource = {}, json_payload: fields = {} } = entry;
  const width = Math.max(...[...names.values()].map((name) => name.length), 1);
  const name = names.get(resource.id ?? "") ?? resource.id ?? "-";
  const [first = "", ...more] = textLines(shorten(message) + summarize(fields));
  const traceback = typeof fields.exception === "string" ? textLines(fields.exception) : [];
  const head = [
    paint("dim", formatLocalTime(entry.timestamp)),
    paint("dim", harmless(name).padEnd(width)),
    paintLevel(harmless(level), paint),
    isPlatform(entry) ? paint("dim", first) : first,
  ];
  return [head.join(" "), ...[...more, ...traceback].map((line) => INDENT + line)].join("\n");
}

function paintLevel(level: string, paint: Paint): string {
  const shown = (level === "LEVEL_UNSPECIFIED" ? "" : level).padEnd(LEVEL_WIDTH);
  const colour = COLOURS[level as keyof typeof COLOURS];
  return colour ? paint(colour, shown) : shown;
}

function textLines(text: string): string[] {
  return text.replace(/\s+$/, "").split(/\r?\n/).map(harmless);
}

/** `REPORT RequestID: … Duration: 310.5 ms Billed Duration: 400 ms …` without what is the same in all. */
function shorten(message: string): string {
  return message.startsWith("REPORT ") && PLATFORM.test(message)
    ? message.replace(/RequestID: \S+ /, "")
    : message;
}

/** What the worker's line of a message says beside the verdict. */
function summarize(fields: Readonly<Record<string, unknown>>): string {
  if (typeof fields.outcome !== "string") return "";
  const { duration_seconds: seconds, attempt, exception_type: type, problem } = fields;
  const { next_attempt_at: next, args, kwargs } = fields;
  const parts = [
    typeof seconds === "number" && `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`,
    Number(attempt) > 1 && `attempt ${attempt}`,
    type,
    problem,
    typeof next === "string" && `again at ${formatLocalTime(next)}`,
    args,
    kwargs,
  ].filter((part) => typeof part === "string" && part !== "");
  return parts.length === 0 ? "" : `  ${parts.join(", ")}`;
}

/** `2026-01-31 12:04:31.123` on this machine's clock; what is no time stays as it is. */
export function formatLocalTime(timestamp: string): string {
  const at = new Date(timestamp);
  if (Number.isNaN(at.getTime())) return harmless(timestamp);
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().replace("T", " ").replace("Z", "");
}
