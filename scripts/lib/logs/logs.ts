import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import type { Session } from "../cloud/session.ts";
import { UsageError } from "../shell/command-line.ts";
import { coloured, plain } from "../shell/style.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { equals, LEVELS, type Level } from "./log-query.ts";
import { formatEntry, formatLocalTime, isPlatform } from "./log-text.ts";
import { type ReadOptions, readLog } from "./read-log.ts";
import { parseSince } from "./since.ts";

const GATEWAY = "gateway";
const DEFAULT_SINCE = "1h";

/** The flags of `npm run logs`, as they were given. */
export interface LogFlags {
  readonly task: string | undefined;
  readonly container: string | undefined;
  readonly level: string | undefined;
  readonly since: string | undefined;
  readonly follow: boolean;
  readonly platform: boolean;
  readonly json: boolean;
}

/** Prints a stage's log until its end, or, with `--follow`, until the signal aborts. */
export async function printLogs(
  session: Session,
  app: DeployedApp,
  flags: LogFlags,
  signal = new AbortController().signal,
): Promise<void> {
  const { system } = session;
  const options = { ...readFlags(app, flags, system.now()), signal };
  const paint = system.interactive && !system.env.NO_COLOR ? coloured : plain;
  const style = { paint, names: new Map(writersOf(app).map(({ name, id }) => [id, name])) };
  let count = 0;
  for await (const entry of readLog(session, options)) {
    if (!flags.platform && !flags.json && isPlatform(entry)) continue;
    count += 1;
    system.say(flags.json ? formatJson(entry) : formatEntry(entry, style));
  }
  if (count > 0 || flags.follow) return;
  const since = formatLocalTime(new Date(options.since).toISOString());
  system.warn(`No such line since ${since}. Look further back with --since, up to 3 days.`);
}

/** What the flags ask for. */
export function readFlags(app: DeployedApp, flags: LogFlags, now: number): ReadOptions {
  const { task, container, level, since = DEFAULT_SINCE, follow } = flags;
  return {
    since: parseSince(since, now),
    follow,
    ...(task !== undefined && { filter: equals("task_id", task) }),
    ...(level !== undefined && { level: parseLevel(level) }),
    ...(container !== undefined && { resources: [findWriter(app, container)] }),
  };
}

/** Refuses a wrong command line before anybody is asked for anything. */
export function checkFlags({ level, since = DEFAULT_SINCE }: LogFlags, now: number): void {
  parseSince(since, now);
  if (level !== undefined) parseLevel(level);
}

function parseLevel(text: string): Level {
  const level = LEVELS.find((candidate) => candidate === text.toLowerCase());
  if (level) return level;
  throw new UsageError(`--level takes ${LEVELS.join(", ")} (got ${JSON.stringify(text)}).`);
}

function writersOf({ containers, gateway }: DeployedApp) {
  const roles = Object.entries(containers).map(([name, { id }]) => ({ name, id }));
  return [...roles, { name: GATEWAY, id: gateway.id }];
}

/** A container by its role, or by the queue that is its own. */
function findWriter(app: DeployedApp, name: string): string {
  const writers = writersOf(app);
  const found =
    writers.find((writer) => writer.name === name) ??
    writers.find((writer) => writer.name === `worker-${name}`);
  if (found) return found.id;
  const known = writers.map((writer) => writer.name).join(", ");
  throw new UsageError(
    `--container ${JSON.stringify(name)} is not in this stage (known: ${known}).`,
  );
}
