import { once } from "node:events";
import { relative, resolve } from "node:path";
import type { LocalCloud } from "../../../packages/local-cloud/local-cloud.ts";
import type { System } from "../shell/system.ts";
import { messageOf } from "../shell/user-error.ts";
import { readSynthesized, stackSources } from "./stack.ts";
import type { Reporter } from "./terminal/reporter.ts";

const SETTLE_MS = 300;
const IGNORED =
  /(^|[/\\])(\.[^/\\]+|node_modules|__pycache__|venv|staticfiles|[^/\\]*(\.pyc|\.log|\.sqlite3(-journal)?|\.tmp|~))([/\\]|$)/;

type WatchedKind = "stack" | "sources";

/**
 * Restarts the containers whenever their sources change, and applies the stack again whenever its
 * sources change. Returns what ends that, once no change can be missed.
 */
export async function watchSources(
  system: System,
  stage: string | undefined,
  cloud: LocalCloud,
  reporter: Reporter,
): Promise<() => Promise<void>> {
  const { watch } = await import("chokidar");
  const folders = cloud.blueprint().containers.map(({ source }) => resolve(system.root, source));
  const changes = new Changes(async (changed) => {
    reporter.note(`${[...changed].join(" and ")} changed, restarting`);
    if (changed.has("stack")) await cloud.apply(await readSynthesized(system, stage));
    else await cloud.restart();
    reporter.note("restarted");
  }, reporter);
  const watchers = [
    ...[...new Set(folders)].map((folder) =>
      watch(folder, { ignoreInitial: true, ignored: (path) => isIgnored(folder, path) }).on(
        "all",
        () => changes.add("sources"),
      ),
    ),
    watch(stackSources(system.root), { ignoreInitial: true }).on("all", () => changes.add("stack")),
  ];
  // What changes before a watcher is ready, it takes for what was there.
  await Promise.all(watchers.map((watcher) => once(watcher, "ready")));
  return async () => {
    await Promise.all(watchers.map((watcher) => watcher.close()));
  };
}

/** What an editor, a tool or the project itself writes without changing the project. */
export function isIgnored(folder: string, path: string): boolean {
  return IGNORED.test(relative(folder, path));
}

/** Gathers changes until there are no more of them for a moment, and handles them one after the other. */
class Changes {
  private readonly act: (changed: ReadonlySet<WatchedKind>) => Promise<void>;
  private readonly reporter: Reporter;
  private readonly changed = new Set<WatchedKind>();
  private timer: NodeJS.Timeout | undefined;
  private acting = Promise.resolve();

  constructor(act: (changed: ReadonlySet<WatchedKind>) => Promise<void>, reporter: Reporter) {
    this.act = act;
    this.reporter = reporter;
  }

  add(part: WatchedKind): void {
    this.changed.add(part);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.acting = this.acting.then(() => this.handle());
    }, SETTLE_MS);
  }

  private async handle(): Promise<void> {
    const changed = new Set(this.changed);
    this.changed.clear();
    if (changed.size === 0) return;
    try {
      await this.act(changed);
    } catch (error) {
      this.reporter.note(messageOf(error));
    }
  }
}
