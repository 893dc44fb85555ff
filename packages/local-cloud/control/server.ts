import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { Console } from "../../console/server.ts";
import type { ConsoleSource } from "../../console/source.ts";
import { renderRun } from "../../task-history/saved-run.ts";
import type { EventStore } from "../events/store.ts";
import type { PeekedMessage } from "../queue/queues.ts";
import { refusalOf } from "../support/guard.ts";
import { formatJson } from "../support/json.ts";
import { type Listening, listen } from "../support/listen.ts";
import { splitTarget } from "../support/target.ts";
import { streamEvents } from "./event-stream.ts";

/** What the control server shows and fires. */
export interface ControlOptions {
  readonly events: EventStore;
  /** The port to try first, 0 for any. */
  readonly port: number;
  /** Tells this run from others. */
  readonly run: string;
  /** Names of the timers. */
  readonly timers: () => readonly string[];
  /** Fires a timer now. Returns the status of the container's answer. */
  readonly fire: (timer: string) => Promise<number>;
  /** What is in a queue, the oldest first; `undefined` where there is no such queue. */
  readonly peek: (queue: string) => readonly PeekedMessage[] | undefined;
  /** What the page shows and does. */
  readonly source: ConsoleSource;
  /** What `GET /api/cloud` says. */
  readonly describe: () => object;
}

/**
 * Shows a page, and lets other programs on this machine read what happens and fire timers:
 *
 * - what {@link Console} answers: the page, and what it reads and does
 * - `GET /api/cloud`: what runs here
 * - `GET /api/tasks?failed=1&name=pay&root=<id>&limit=50`, `GET /api/tasks/<id>`
 * - `GET /api/messages/<queue>`: what is in a queue; looking at it receives nothing
 * - `GET /api/log`: the kept lines of all containers, and the number of the last event
 * - `GET /api/run`: all of it, as a file that can be opened again
 * - `GET /api/events`: server-sent events
 * - `POST /api/timers/<name>`
 */
export function startControl(options: ControlOptions): Promise<Listening> {
  const page = new Console(options.source);
  return listen((request, response) => {
    const refusal = refusalOf(request);
    if (refusal) return answer(response, 403, { message: refusal });
    if (page.handle(request, response)) return;
    handle(request, response, options).catch((error: Error) =>
      answer(response, 500, { message: error.message }),
    );
  }, options.port);
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  options: ControlOptions,
): Promise<void> {
  const { segments, query } = readTarget(request);
  const [api, noun = "", name = ""] = segments;
  if (api !== "api") return notFound(response);
  if (request.method === "POST") {
    return noun === "timers" ? fireTimer(response, options, name) : notFound(response);
  }
  if (request.method !== "GET") return answer(response, 405, { message: "GET or POST" });
  switch (noun) {
    case "cloud":
      return answer(response, 200, options.describe());
    case "tasks":
      return name ? answerTask(response, options, name) : answerTasks(response, options, query);
    case "messages":
      return answerMessages(response, options, name);
    case "log":
      return answerLog(response, options);
    case "run":
      return answerRun(response, options);
    case "events": {
      const lastId = request.headers["last-event-id"]?.toString();
      return streamEvents(response, options.events, options.run, lastId);
    }
    default:
      return notFound(response);
  }
}

/** No segment where one cannot be decoded: such a path leads nowhere. */
function readTarget(request: IncomingMessage) {
  const { path, query } = splitTarget(request);
  try {
    return { segments: path.split("/").slice(1).map(decodeURIComponent), query };
  } catch {
    return { segments: [], query };
  }
}

async function fireTimer(response: ServerResponse, options: ControlOptions, name: string) {
  if (options.timers().includes(name)) {
    return answer(response, 200, { status: await options.fire(name) });
  }
  const known = options.timers().join(", ") || "none";
  answer(response, 404, { message: `Timer "${name}" is not in the stack (known: ${known}).` });
}

function answerTask(response: ServerResponse, { events }: ControlOptions, id: string): void {
  const task = events.task(id);
  if (task) answer(response, 200, task);
  else answer(response, 404, { message: `Task "${id}" is not known, or no longer kept.` });
}

function answerTasks(response: ServerResponse, { events }: ControlOptions, query: URLSearchParams) {
  const failed = query.get("failed") === "1";
  const limit = Number(query.get("limit")) || undefined;
  const [name, root] = [query.get("name") ?? undefined, query.get("root") ?? undefined];
  answer(response, 200, { tasks: events.tasks({ failed, name, root, limit }) });
}

function answerMessages(response: ServerResponse, { peek }: ControlOptions, queue: string): void {
  const messages = peek(queue);
  if (messages) answer(response, 200, { messages });
  else answer(response, 404, { message: `Queue "${queue}" is not in the stack.` });
}

function answerLog(response: ServerResponse, { events }: ControlOptions): void {
  const kept = events.since(0);
  const lines = kept.filter(({ type }) => type === "log");
  answer(response, 200, { last: kept.at(-1)?.sequence ?? 0, lines });
}

function answerRun(response: ServerResponse, { events }: ControlOptions): void {
  response.writeHead(200, { "Content-Type": "application/x-ndjson" });
  const facts = events.taskIds().flatMap((id) => events.factsOf(id));
  Readable.from(renderRun(facts, Date.now())).pipe(response);
}

function notFound(response: ServerResponse): void {
  answer(response, 404, {
    message:
      "Known: /, /api/console, /api/cloud, /api/tasks, /api/tasks/<id>, /api/messages/<queue>, /api/log, /api/run, /api/events, POST /api/timers/<name>.",
  });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(formatJson(body));
}
