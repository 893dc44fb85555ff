import { resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { queueNames } from "../../../packages/console/task-text.ts";
import type { LocalCloud } from "../../../packages/local-cloud/local-cloud.ts";
import { openBrowser } from "../shell/browser.ts";
import { coloured, plain } from "../shell/style.ts";
import type { System } from "../shell/system.ts";
import { messageOf } from "../shell/user-error.ts";
import { JsonLines } from "./terminal/json-lines.ts";
import { type Keys, readKeys } from "./terminal/keys.ts";
import type { Reporter } from "./terminal/reporter.ts";
import { Terminal } from "./terminal/terminal.ts";
import { TimerChoice } from "./timers.ts";

/** What the flags say about the output. */
export interface ReporterOptions {
  readonly json: boolean;
  /** Whether a command of the user's has the standard output. */
  readonly once: boolean;
}

/** What shows a local cloud. */
export interface Shown {
  readonly reporter: Reporter;
  /** Gives the terminal back as it was. */
  readonly restore: () => void;
}

/** Lines for people or programs, and on a terminal keys. */
export function createReporter(
  system: System,
  { json, once }: ReporterOptions,
  cloud: LocalCloud,
  quit: () => void,
): Shown {
  const output = once ? process.stderr : process.stdout;
  // The reader is gone.
  output.on("error", quit);
  if (json) return { reporter: new JsonLines(output), restore: () => {} };
  const live = Boolean(output.isTTY) && system.env.TERM !== "dumb";
  const keys = live && system.interactive && !once;
  const terminal = new Terminal({
    ...{ output, live, keys, startedAt: Date.now() - performance.now() },
    paint: live && !system.env.NO_COLOR ? coloured : plain,
    roots: cloud.blueprint().containers.map(({ source }) => resolve(system.root, source)),
    queues: queueNames(cloud.environment()),
    deliveries: new Map(
      cloud
        .blueprint()
        .queues.flatMap(({ name, redrive }) => (redrive ? [[name, redrive.maxReceiveCount]] : [])),
    ),
  });
  const restore = keys ? readKeys(process.stdin, keysOf(cloud, terminal), quit) : () => {};
  return { reporter: terminal, restore };
}

function keysOf(cloud: LocalCloud, terminal: Terminal): Keys {
  const choice = new TimerChoice(cloud, terminal);
  const note = (error: unknown) => terminal.note(messageOf(error));
  return {
    o: () => openBrowser(cloud.addresses.control, note),
    p: () =>
      terminal.note(
        cloud.togglePause()
          ? "paused: messages stay in their queues; p delivers them again"
          : "resumed",
      ),
    f: () => choice.ask(),
    l: () => terminal.nextLogMode(),
    r: () => {
      terminal.note("restarting the containers");
      cloud.restart().then(() => terminal.note("restarted"), note);
    },
    ...choice.keys,
  };
}
