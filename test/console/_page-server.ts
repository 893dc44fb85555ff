import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Console } from "../../packages/console/server.ts";
import type {
  ActionResult,
  Counts,
  ListFilter,
  Overview,
  TaskSummary,
} from "../../packages/console/source.ts";
import type { TaskState } from "../../packages/task-history/task-record.ts";
import { FakeSource, OVERVIEW, summary } from "./_source.ts";

const SHOWN: Readonly<Record<keyof Counts, readonly TaskState[] | undefined>> = {
  all: undefined,
  waiting: ["waiting", "delayed", "retrying", "hidden"],
  running: ["running"],
  failed: ["failed", "dead", "hidden"],
  dead: ["dead"],
};

/** A cloud whose tasks a test decides on; lists, counts and changes follow from them. */
export class ShopSource extends FakeSource {
  private readonly shop = new Map<string, TaskSummary>();

  /** These have changed, or are new. */
  put(...tasks: readonly TaskSummary[]): void {
    for (const task of tasks) this.shop.set(task.id, task);
    this.change(...tasks.map(({ id }) => id));
  }

  forget(): void {
    this.shop.clear();
  }

  override async overview(): Promise<Overview> {
    const states = [...this.shop.values()].map(({ state }) => state);
    const count = (show: keyof Counts) =>
      states.filter((state) => SHOWN[show]?.includes(state)).length;
    const [waiting, running, failed, dead] = [
      count("waiting"),
      count("running"),
      count("failed"),
      count("dead"),
    ];
    return { ...this.answer, counts: { all: this.shop.size, waiting, running, failed, dead } };
  }

  override async tasks({ limit = 500, before = Number.POSITIVE_INFINITY, ...filter }: ListFilter) {
    this.filters.push({ limit, before, ...filter });
    const tasks = this.listed(filter).filter(({ changedAt }) => changedAt < before);
    return { tasks: tasks.slice(0, limit), more: tasks.length > limit };
  }

  override async summaries(ids: readonly string[]) {
    return ids.flatMap((id) => this.shop.get(id) ?? []);
  }

  override async task(id: string) {
    this.known = [...this.shop.values()];
    return super.task(id);
  }

  override async act(action: Parameters<FakeSource["act"]>[0]): Promise<ActionResult> {
    const result = await super.act(action);
    if (action.kind === "pause" || action.kind === "resume") {
      this.answer = { ...this.answer, paused: action.kind === "pause" };
      return { message: "Done." };
    }
    if (result.id) this.put(summary(result.id, { changedAt: Date.now(), state: "running" }));
    return result;
  }

  private listed({ show = "all", search = "" }: ListFilter): TaskSummary[] {
    const wanted = search.toLowerCase();
    return [...this.shop.values()]
      .filter(({ state }) => SHOWN[show]?.includes(state) ?? true)
      .filter((task) => `${task.name} ${task.id} ${task.args}`.toLowerCase().includes(wanted))
      .sort((a, b) => b.changedAt - a.changedAt);
  }
}

/** A shop with something of everything running in it. */
export const BUSY: Overview = {
  ...OVERVIEW,
  containers: [
    { ...{ name: "web", state: "running", pid: 4711 }, memoryBytes: 86e6, memoryLimitBytes: 268e6 },
    { ...{ name: "worker", state: "running", busy: 1, concurrency: 2 } },
    { ...{ name: "reports", state: "crashed" } },
  ],
  queues: [
    { name: "celery", waiting: 3, inFlight: 1, delayed: 2, dead: 0 },
    { name: "reports", waiting: 0, inFlight: 0, delayed: 0, dead: 4 },
  ],
  timers: [
    { name: "nightly", schedule: "0 3 * * *", nextAt: Date.now() + 3600_000, lastStatus: 200 },
    { name: "hourly", schedule: "0 * * * *", nextAt: Date.now() + 600_000, lastStatus: 500 },
  ],
};

const STATES: readonly TaskState[] = [
  ...(["ok", "ok", "ok", "failed", "ok", "waiting", "ok", "running", "retrying", "ok"] as const),
  ...(["dead", "ok", "delayed", "hidden", "ok", "revoked", "expired", "done", "ok", "ok"] as const),
];
const NAMES = ["shop.charge", "shop.mail", "shop.report", "catalog.tasks.update_prices"];
const ARGS = ['77 user={"id": 8}', 'to="ann@example.com"', 'day="2026-11-24"', "chunk=12 of=40"];

/** So many tasks, one a second, the last one now. */
export function tasksOf(count: number, now = Date.now()): TaskSummary[] {
  return Array.from({ length: count }, (_, number) => {
    const state = STATES[number % STATES.length] ?? "ok";
    const changedAt = now - number * 1000;
    const attempts =
      state === "waiting" || state === "delayed" ? 0 : 1 + (number % 7 === 3 ? 2 : 0);
    const isDue = ["delayed", "retrying", "hidden"].includes(state);
    return summary(`3f2c${String(number).padStart(8, "0")}-task`, {
      ...{ name: NAMES[number % NAMES.length], args: ARGS[number % ARGS.length], state, changedAt },
      ...{ queue: "celery", attempts, waitMs: 40 + ((number * 7919) % 31_000) },
      ...{ hiddenMs: attempts > 1 ? 30 : 0, runMs: attempts * ((number * 104_729) % 4000) },
      ...(isDue && { dueAt: now + 30_000 }),
      ...(["failed", "dead"].includes(state) && { error: "ConnectionError: bank timeout" }),
    });
  });
}

/** The page on a port of its own, until {@link close}; says which requests it got. */
export class PageServer {
  readonly source: ShopSource;
  readonly requests: string[] = [];
  url = "";
  private server: Server | undefined;
  private port = 0;

  constructor(source = new ShopSource()) {
    this.source = source;
  }

  /** Starts, the second time on the same port. */
  async start(): Promise<this> {
    const served = new Console(this.source);
    const server = createServer((request, response) => {
      this.requests.push(request.url ?? "");
      if (!served.handle(request, response)) response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://localhost:${this.port}/`;
    return this;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    this.server?.closeAllConnections();
    await closed;
  }
}
