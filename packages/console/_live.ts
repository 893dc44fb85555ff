import type { ServerResponse } from "node:http";
import { formatJson } from "../local-cloud/support/json.ts";
import type { ConsoleSource } from "./source.ts";

/** A quick task is sent, started and stored within this. */
const GATHER_MS = 20;
/** From one batch to the next. */
const APART_MS = 60;
/** The same in a flood: nobody reads faster, and to draw more takes half a core from the tasks. */
const APART_IN_FLOOD_MS = 250;
/** Changes a second; a task has about six. */
const FLOOD = 300;
const OVERVIEW_MS = 1000;
const PING_MS = 15_000;
/** A reader that is so far behind is cut off; it comes back and fetches everything again. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * What changes, as server-sent events for all pages that are open: `tasks`, those that have changed
 * within 60 ms (250 ms while there are more than 300 changes a second), each once; `overview` when it is
 * another one, at most one a second; `ping` every 15 seconds. Nothing is sent again: a page opens the
 * stream first, and then fetches. While no page is open, the source is asked for nothing.
 */
export class Live {
  private readonly source: ConsoleSource;
  private readonly readers = new Set<ServerResponse>();
  private readonly changed = new Set<string>();
  private gathering: NodeJS.Timeout | undefined;
  private changes = 0;
  private sentAt = 0;
  private apart = APART_MS;
  private overview = "";
  private isAsking = false;
  private stop: (() => void) | undefined;

  constructor(source: ConsoleSource) {
    this.source = source;
  }

  /** Answers a page, without an end. */
  open(response: ServerResponse): void {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.flushHeaders();
    this.readers.add(response);
    // It knows none yet.
    this.overview = "";
    this.stop ??= this.start();
    response.on("close", () => {
      this.readers.delete(response);
      if (this.readers.size === 0) this.end();
    });
  }

  private start(): () => void {
    const unsubscribe = this.source.subscribe((ids) => {
      this.changes += ids.length;
      for (const id of ids) this.changed.add(id);
      this.gather();
    });
    const pinging = setInterval(() => this.send("ping", "{}"), PING_MS);
    const watching = setInterval(() => {
      this.apart = this.changes > FLOOD ? APART_IN_FLOOD_MS : APART_MS;
      this.changes = 0;
      void this.sendOverview();
    }, OVERVIEW_MS);
    void this.sendOverview();
    return () => {
      unsubscribe();
      clearInterval(pinging);
      clearInterval(watching);
    };
  }

  private end(): void {
    this.stop?.();
    this.stop = undefined;
    clearTimeout(this.gathering);
    this.gathering = undefined;
    this.changed.clear();
  }

  private gather(): void {
    if (this.changed.size === 0) return;
    const rest = this.sentAt + this.apart - performance.now();
    this.gathering ??= setTimeout(this.sendTasks, Math.max(GATHER_MS, rest));
  }

  private readonly sendTasks = async () => {
    const ids = [...this.changed];
    this.changed.clear();
    this.sentAt = performance.now();
    // What cannot be read now, the page gets when it fetches the next time.
    const tasks = await this.source.summaries(ids).catch(() => []);
    if (tasks.length > 0) this.send("tasks", formatJson(tasks));
    this.gathering = undefined;
    this.gather();
  };

  private readonly sendOverview = async () => {
    if (this.isAsking) return;
    this.isAsking = true;
    const overview = await this.source.overview().then(formatJson, () => this.overview);
    this.isAsking = false;
    if (overview !== this.overview) this.send("overview", overview);
    this.overview = overview;
  };

  private send(event: string, data: string): void {
    for (const reader of this.readers) {
      reader.write(`event: ${event}\ndata: ${data}\n\n`);
      if (reader.writableLength > MAX_WAITING_BYTES) reader.destroy();
    }
  }
}
