import * as v from "valibot";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import { runYc, ycError } from "../cloud/access.ts";
import type { Session } from "../cloud/session.ts";
import { NOT_FOUND, type ProcessResult } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { type LogQuery, queryFlags } from "./log-query.ts";

/** The most that one call gives. */
const LIMIT = 1000;
/**
 * The service stops at 3.5 MiB as it counts them, which is not the length of what `yc` prints: an
 * answer of this length may have lost lines.
 */
const SUSPICIOUS_BYTES = 2.5 * 1024 * 1024;

/** A time from which to which lines are read. Milliseconds since the epoch. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

/** What one call has given, the oldest line first. */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Whether there are no more in this time. */
  readonly whole: boolean;
}

const pageSchema = v.nullable(
  v.array(
    v.looseObject({
      uid: v.string(),
      timestamp: v.string(),
      level: v.optional(v.string()),
      message: v.optional(v.string()),
      json_payload: v.optional(v.record(v.string(), v.unknown())),
      resource: v.optional(
        v.looseObject({ type: v.optional(v.string()), id: v.optional(v.string()) }),
      ),
      stream_name: v.optional(v.string()),
    }),
  ),
);

/**
 * Reads the lines of a time by `yc`: the service has no HTTP interface for it. Which of too many lines
 * it gives, and in which order, is left to it.
 *
 * @see https://yandex.cloud/en/docs/cli/cli-ref/logging/cli-ref/read
 */
export async function readPage(
  { system, access }: Pick<Session, "system" | "access">,
  groupId: string,
  { from, to }: TimeSpan,
  query: LogQuery,
): Promise<LogPage> {
  const args = [
    ...["logging", "read", "--group-id", groupId, "--format", "json", "--limit", String(LIMIT)],
    ...["--since", new Date(from).toISOString(), "--until", new Date(to).toISOString()],
    ...queryFlags(query),
  ];
  const result = await runYc(system, args);
  if (result.exitCode !== 0) throw readError(args, result, access.given);
  const entries = parsePage(result.stdout);
  const whole = entries.length < LIMIT && Buffer.byteLength(result.stdout) < SUSPICIOUS_BYTES;
  return { entries: entries.toSorted(byTime), whole };
}

function parsePage(stdout: string): LogEntry[] {
  try {
    return v.parse(pageSchema, JSON.parse(stdout.trim() || "[]")) ?? [];
  } catch (error) {
    const { message } = error as Error;
    throw new UserError(`\`yc logging read\` printed what is no list of log entries: ${message}`, {
      cause: error,
    });
  }
}

function byTime(one: LogEntry, other: LogEntry): number {
  return Date.parse(one.timestamp) - Date.parse(other.timestamp);
}

function readError(args: readonly string[], result: ProcessResult, tokenGiven: boolean): Error {
  const error = ycError(args, result);
  if (/PermissionDenied/.test(result.stderr)) {
    return new UserError(`${error.message}. Reading logs takes the role logging.reader.`);
  }
  const noLogin = result.exitCode === NOT_FOUND || /^Not logged in/.test(error.message);
  if (!tokenGiven || !noLogin) return error;
  return new UserError(
    "Logs are read by `yc` with a login of its own, which YC_TOKEN is not: the service has no HTTP interface. Install it (https://yandex.cloud/en/docs/cli/quickstart) and run `yc init`.",
  );
}
