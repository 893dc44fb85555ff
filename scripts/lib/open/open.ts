import { startConsole } from "../../../packages/console/server.ts";
import { namePrefix } from "../../../stacks/settings.ts";
import { type Access, accessOf } from "../cloud/access.ts";
import { openSession, readApp, type Session, settingsOf } from "../cloud/session.ts";
import { findInstances } from "../local/instances.ts";
import { readKeys } from "../local/terminal/keys.ts";
import { readLog } from "../logs/read-log.ts";
import { parseSince } from "../logs/since.ts";
import type { Reader } from "../queue/letters.ts";
import { openReader } from "../queue/open-reader.ts";
import { openBrowser } from "../shell/browser.ts";
import { UsageError } from "../shell/command-line.ts";
import { stopOnSignal } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import { messageOf } from "../shell/user-error.ts";
import { StageSource } from "./stage-source.ts";

/** Beside the local cloud's own pages. */
const DEFAULT_PORT = 4520;
const LAST_PORT = 65_535;
const TOKEN_MS = 60 * 60_000;

/** The flags of `npm run open`. */
export interface OpenFlags {
  readonly stage: string | undefined;
  readonly act: boolean;
  readonly since: string | undefined;
  readonly port: string | undefined;
  readonly browser: boolean;
}

/** Says where the page of the local cloud is that runs here; else serves the page of a stage until Ctrl-C. */
export async function openPage(system: System, flags: OpenFlags): Promise<void> {
  const port = parsePort(flags.port);
  const since = parseSince(flags.since ?? "1h", system.now());
  const [local] = flags.stage === undefined ? await findInstances(system) : [];
  const browse = (url: string) => openBrowser(url, (error) => system.warn(messageOf(error)));
  if (local) {
    system.say(`${local.control}/`);
    system.warn("This is the page of the local cloud that runs here. --stage opens a stage's.");
    if (flags.browser) browse(`${local.control}/`);
    return;
  }
  const stop = stopOnSignal();
  await serveStage(system, { ...flags, port, since }, browse, stop);
}

async function serveStage(
  system: System,
  flags: Pick<OpenFlags, "stage" | "act" | "browser"> & {
    readonly port: number;
    readonly since: number;
  },
  browse: (url: string) => void,
  stop: AbortController,
): Promise<void> {
  const { stage, act, since, port, browser } = flags;
  const session = await openSession(system, settingsOf(stage), lastingAccess(system));
  const app = await readApp(session);
  const title = namePrefix(session.settings);
  const reader = await readerOrReason(session, stop.signal);
  const source = new StageSource({ session, app, readLog }, { title, since, act, reader });
  const server = await startConsole(source, port);
  // So that the page need not wait: `yc` takes its time to list the triggers.
  void source.overview();
  const url = `${server.url}/`;
  system.say(url);
  const keys = system.interactive ? "o opens it, q ends" : "Ctrl-C ends";
  system.warn(`${title}: ${act ? "may act on it" : "shows only; --act lets it act"}. ${keys}.`);
  if (browser) browse(url);
  const restore = system.interactive
    ? readKeys(process.stdin, { o: () => browse(url) }, () => stop.abort())
    : () => {};
  try {
    await source.follow(stop.signal);
  } finally {
    restore();
    await server.close();
  }
}

/** Nothing of it needs a key but queues and dead letters. */
async function readerOrReason(session: Session, stop: AbortSignal): Promise<Reader | string> {
  try {
    return await openReader(session, stop);
  } catch (error) {
    return messageOf(error);
  }
}

/** A token lives for 12 hours at most, and a page may be open for longer. */
export function lastingAccess(system: System): Access {
  let [access, madeAt] = [accessOf(system), system.now()];
  return {
    given: access.given,
    token: () => {
      if (system.now() - madeAt > TOKEN_MS) [access, madeAt] = [accessOf(system), system.now()];
      return access.token();
    },
  };
}

/** @throws UsageError for what is no port */
export function parsePort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= LAST_PORT) return port;
  throw new UsageError(`--port takes 0 to ${LAST_PORT}, 0 for any (got ${JSON.stringify(text)}).`);
}
