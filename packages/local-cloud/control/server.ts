import type { IncomingMessage, ServerResponse } from "node:http";
import type { EventStore } from "../events/store.ts";
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
  /** What `GET /api/cloud` says. */
  readonly describe: () => object;
}

/**
 * Lets other programs on this machine read what happens and fire timers:
 *
 * - `GET /api/cloud`: what runs here
 * - `GET /api/tasks?failed=1&limit=50`, `GET /api/tasks/<id>`
 * - `GET /api/events`: server-sent events
 * - `POST /api/timers/<name>`
 */
export function startControl(options: ControlOptions): Promise<Listening> {
  return listen((request, response) => {
    const refusal = refusalOf(request);
    if (refusal) return answer(response, 403, { message: refusal });
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
  answer(response, 200, { tasks: events.tasks({ failed, limit }) });
}

function notFound(response: ServerResponse): void {
  answer(response, 404, {
    message:
      "Known: /api/cloud, /api/tasks, /api/tasks/<id>, /api/events, POST /api/timers/<name>.",
  });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(formatJson(body));
}
