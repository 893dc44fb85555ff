import type { IncomingMessage, ServerResponse } from "node:http";
import { refusalOf } from "../local-cloud/support/guard.ts";
import { formatJson } from "../local-cloud/support/json.ts";
import { type Listening, listen } from "../local-cloud/support/listen.ts";
import { readBody } from "../local-cloud/support/read-body.ts";
import { splitTarget } from "../local-cloud/support/target.ts";
import { Live } from "./_live.ts";
import { BadRequest, readAction, readFilter } from "./_requests.ts";
import { type Page, readPage, servePage } from "./serve-page.ts";
import type { ConsoleSource } from "./source.ts";

/** A message has at most 256 KB, and a name for each letter is longer than that only for thousands. */
const MAX_BODY_BYTES = 1024 * 1024;
const API = "/api/console";

/**
 * The page and what it reads and does, for a server that has rejected foreign requests already:
 *
 * - `GET /` and `GET /page/<file>`
 * - `GET /api/console`: {@link Overview}
 * - `GET /api/console/tasks?show=failed&search=pay&before=<ms>&limit=500`, `GET /api/console/tasks/<id>`
 * - `GET /api/console/dead-letters`, `GET /api/console/hour`
 * - `GET /api/console/events`: what changes, as server-sent events
 * - `POST /api/console/actions`: does something
 */
export class Console {
  private readonly source: ConsoleSource;
  private readonly live: Live;
  private readonly page: Page;

  constructor(source: ConsoleSource, page = readPage()) {
    this.source = source;
    this.live = new Live(source);
    this.page = page;
  }

  /** Answers a request. Returns whether it is one for the console. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const { path, query } = splitTarget(request);
    if (servePage(this.page, request, response, path)) return true;
    const answering = this.answer(request, response, path, query);
    answering?.catch((error: Error) => {
      const status = error instanceof BadRequest ? 400 : 500;
      answer(response, status, { message: error.message });
    });
    return answering !== undefined;
  }

  private answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void> | undefined {
    const { method } = request;
    if (method === "POST" && path === `${API}/actions`) return this.act(request, response);
    if (method === "GET" && path === `${API}/events`) return this.open(response);
    if (method !== "GET" && method !== "HEAD") return undefined;
    const read = this.reader(path, query);
    return read && this.show(response, read);
  }

  /** What reads the answer to a path; `undefined` for one that leads nowhere. */
  private reader(
    path: string,
    query: URLSearchParams,
  ): (() => Promise<object | undefined>) | undefined {
    const { source } = this;
    switch (path) {
      case API:
        return () => source.overview();
      case `${API}/tasks`:
        return async () => source.tasks(readFilter(query));
      case `${API}/dead-letters`:
        return async () => ({ groups: await source.deadLetters() });
      case `${API}/hour`:
        return () => source.hour();
      default: {
        const id = taskIdOf(path);
        return id === undefined ? undefined : () => source.task(id);
      }
    }
  }

  private async show(response: ServerResponse, read: () => Promise<object | undefined>) {
    const shown = await read();
    if (shown) answer(response, 200, shown);
    else answer(response, 404, { message: "This task is not known, or no longer kept." });
  }

  private async open(response: ServerResponse): Promise<void> {
    this.live.open(response);
  }

  private async act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, MAX_BODY_BYTES);
    // A page of another site cannot send this type without asking first.
    if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
      return answer(response, 415, { message: "Content-Type must be application/json." });
    }
    if (body.length > MAX_BODY_BYTES) {
      return answer(response, 413, { message: `An action has at most ${MAX_BODY_BYTES} bytes.` });
    }
    const action = readAction(body.toString());
    const { actions } = await this.source.overview();
    if (!actions.includes(action.kind)) {
      return answer(response, 403, { message: `"${action.kind}" is not allowed here.` });
    }
    await this.source.act(action).then(
      (result) => answer(response, 200, result),
      (error: Error) => answer(response, 409, { message: error.message }),
    );
  }
}

/** Serves the console alone, on a port of its own, 0 for any. */
export function startConsole(source: ConsoleSource, port: number): Promise<Listening> {
  const served = new Console(source);
  return listen((request, response) => {
    const refusal = refusalOf(request);
    if (refusal) answer(response, 403, { message: refusal });
    else if (!served.handle(request, response)) answer(response, 404, { message: "Nothing here." });
  }, port);
}

function taskIdOf(path: string): string | undefined {
  const [, id] = path.match(/^\/api\/console\/tasks\/([^/]+)$/) ?? [];
  try {
    return id && decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  // A client that has left gets none.
  if (response.headersSent) return;
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(formatJson(body));
}
