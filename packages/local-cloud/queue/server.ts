import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Report } from "../events/event.ts";
import { refusalOf } from "../http/guard.ts";
import { type Listening, listen } from "../http/listen.ts";
import type { Action, Call, Output } from "./_call.ts";
import { type Input, isFields } from "./_input.ts";
import { messageActions } from "./_message-actions.ts";
import { decodeForm, encodeXml, encodeXmlError } from "./_query-protocol.ts";
import { queueActions } from "./_queue-actions.ts";
import { QueueError } from "./errors.ts";
import type { Queues } from "./queues.ts";

/** Ten messages of the largest size, escaped as badly as can be. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
const JSON_TYPE = "application/x-amz-json-1.0";
const XML_TYPE = "text/xml";
const ACTIONS: ReadonlyMap<string, Action> = new Map(
  Object.entries({ ...queueActions, ...messageActions }),
);

export interface QueueServerOptions {
  readonly queues: Queues;
  /** The port to try first; 0 for any. */
  readonly port: number;
  readonly report: Report;
}

/**
 * Serves queues to clients of SQS, by the AWS JSON protocol (header `X-Amz-Target`) and by the Query
 * protocol (a form, answered in XML). Signatures are taken as they come.
 */
export function startQueueServer({ queues, port, report }: QueueServerOptions): Promise<Listening> {
  return listen(handleRequests(queues, report), port);
}

interface Request {
  /** Nothing in the Query protocol's form, an action in the JSON protocol's header. */
  readonly isJson: boolean;
  readonly id: string;
  readonly http: IncomingMessage;
  readonly response: ServerResponse;
}

function handleRequests(queues: Queues, report: Report): RequestListener {
  return (http, response) => {
    const refusal = refusalOf(http);
    if (refusal !== undefined) {
      sayNo(response, 403, refusal);
      return;
    }
    const target = http.headers["x-amz-target"];
    const request: Request = { isJson: target !== undefined, id: randomUUID(), http, response };
    readBody(http, response, (body) => {
      try {
        const { action, input } =
          target === undefined ? decodeForm(body) : decodeJson(target, body);
        const output = run(action, new RequestCall(queues, input, request, report), request.isJson);
        finish(request, action ?? "", output, queues, report);
      } catch (error) {
        fail(request, error, report);
      }
    });
  };
}

function sayNo(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", Connection: "close" });
  response.end(`${why}\n`);
}

function readBody(
  http: IncomingMessage,
  response: ServerResponse,
  act: (body: string) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  http.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_REQUEST_BYTES) chunks.push(chunk);
  });
  http.on("end", () => {
    if (size > MAX_REQUEST_BYTES) {
      sayNo(
        response,
        413,
        `A request can have ${MAX_REQUEST_BYTES} bytes, and this one has ${size}.`,
      );
    } else {
      act((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString());
    }
  });
}

function decodeJson(
  target: string | string[],
  body: string,
): { readonly action: string; readonly input: Input } {
  const action = String(target).replace(/^AmazonSQS\./, "");
  return { action, input: body === "" ? {} : parseJson(body) };
}

function parseJson(body: string): Input {
  try {
    const input: unknown = JSON.parse(body);
    if (isFields(input)) return input;
  } catch {
    // Said below, as for any other text that is no object.
  }
  throw new QueueError("InvalidArgumentException", "The request's body must be a JSON object.");
}

class RequestCall implements Call {
  readonly queues: Queues;
  readonly input: Input;
  private readonly request: Request;
  private readonly report: Report;

  constructor(queues: Queues, input: Input, request: Request, report: Report) {
    this.queues = queues;
    this.input = input;
    this.request = request;
    this.report = report;
  }

  get address(): string {
    return `http://${this.request.http.headers.host}`;
  }

  get path(): string {
    return this.request.isJson ? "" : (this.request.http.url ?? "");
  }

  gone(): AbortSignal {
    const controller = new AbortController();
    this.request.response.once("close", () => controller.abort());
    return controller.signal;
  }

  refused(error: QueueError): void {
    reportRefusal(this.report, error);
  }
}

function run(name: string | undefined, call: Call, isStrict: boolean): Output | Promise<Output> {
  if (name === undefined) throw new QueueError("MissingAction", "Action param was not found.");
  const action = ACTIONS.get(name);
  if (action === undefined) throw new QueueError("MissingAction", `Unknown action: "${name}".`);
  if (isStrict) {
    for (const field in call.input) {
      if (action.fields.has(field)) continue;
      throw new QueueError("InvalidArgumentException", `${name} has no field "${field}".`);
    }
  }
  return action.run(call);
}

/** Answers, once all that has happened is kept where anything is kept. */
function finish(
  request: Request,
  action: string,
  output: Output | Promise<Output>,
  queues: Queues,
  report: Report,
): void {
  const kept = action === "ReceiveMessage" ? undefined : queues.kept();
  if (!(output instanceof Promise) && kept === undefined) {
    answer(request, action, output);
    return;
  }
  Promise.all([output, kept]).then(
    ([ready]) => answer(request, action, ready),
    (error) => fail(request, error, report),
  );
}

function answer({ isJson, id, response }: Request, action: string, output: Output): void {
  const body = isJson ? JSON.stringify(output) : encodeXml(action, output, id);
  send(response, 200, isJson, id, body);
}

function fail({ isJson, id, response }: Request, error: unknown, report: Report): void {
  const refusal = error instanceof QueueError ? error : unexpected(error);
  reportRefusal(report, refusal);
  if (isJson) response.setHeader("x-amzn-query-error", `${refusal.code};Sender`);
  const body = isJson
    ? JSON.stringify({ __type: refusal.code, message: refusal.message })
    : encodeXmlError(refusal, id);
  send(response, refusal.status, isJson, id, body);
}

function unexpected(error: unknown): QueueError {
  return new QueueError("InternalFailure", error instanceof Error ? error.message : String(error));
}

function reportRefusal(report: Report, { code, message, fix }: QueueError): void {
  report({ type: "refused", by: "queue", code, message, ...(fix !== undefined && { fix }) });
}

function send(
  response: ServerResponse,
  status: number,
  isJson: boolean,
  id: string,
  body: string,
): void {
  response.writeHead(status, {
    "Content-Type": isJson ? JSON_TYPE : XML_TYPE,
    "Content-Length": Buffer.byteLength(body),
    "x-amzn-RequestId": id,
  });
  response.end(body);
}
