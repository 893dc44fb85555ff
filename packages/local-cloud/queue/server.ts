import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import type { Report } from "../events/event.ts";
import { isContainer } from "../http/caller.ts";
import { refusalOf } from "../support/guard.ts";
import { type Listening, listenWith, makeServer } from "../support/listen.ts";
import type { Action, Call, Output } from "./_call.ts";
import { type Exchange, NodeExchange } from "./_exchange.ts";
import { type Input, isFields } from "./_input.ts";
import { messageActions } from "./_message-actions.ts";
import { decodeForm, encodeXml, encodeXmlError } from "./_query-protocol.ts";
import { queueActions } from "./_queue-actions.ts";
import { readQuickly } from "./_quick-connection.ts";
import { checkRights } from "./_rights.ts";
import { QueueError } from "./errors.ts";
import type { Queues } from "./queues.ts";

/** Ten messages of the largest size, escaped as badly as can be. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
const ACTIONS: ReadonlyMap<string, Action> = new Map(
  Object.entries({ ...queueActions, ...messageActions }),
);
/** A receive that is not kept is one more delivery after a restart. Others change nothing. */
const NOT_KEPT: ReadonlySet<string> = new Set([
  "ReceiveMessage",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ListDeadLetterSourceQueues",
  "ListQueues",
  "ListQueueTags",
]);

export interface QueueServerOptions {
  readonly queues: Queues;
  /** The port to try first; 0 for any. */
  readonly port: number;
  /** Names of this machine besides localhost. @default - none */
  readonly hosts?: readonly string[];
  /** Whether clients may have no queues but those that are there. @default false */
  readonly stackOnly?: boolean;
  readonly report: Report;
}

/**
 * Serves queues to clients of SQS, by the AWS JSON protocol (header `X-Amz-Target`) and by the Query
 * protocol (a form, answered in XML). Signatures are taken as they come.
 */
export async function startQueueServer(options: QueueServerOptions): Promise<Listening> {
  const handle = (exchange: Exchange) => handleExchange(exchange, options);
  const server = makeServer(readWhole(handle));
  const sockets = readQuickly(server, { maxBodyBytes: MAX_REQUEST_BYTES, handle });
  const listening = await listenWith(server, options.port);
  return {
    ...listening,
    close() {
      for (const socket of sockets) socket.destroy();
      return listening.close();
    },
  };
}

/** Whatever the quick way does not read. */
function readWhole(handle: (exchange: Exchange) => void): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_REQUEST_BYTES) chunks.push(chunk);
    });
    request.on("end", () => {
      const exchange = new NodeExchange(request, response, Buffer.concat(chunks).toString());
      if (size <= MAX_REQUEST_BYTES) handle(exchange);
      else
        sayNo(
          exchange,
          413,
          `A request can have ${MAX_REQUEST_BYTES} bytes, this one has ${size}.`,
        );
    });
  };
}

/** A request while it is carried out. */
interface Request {
  /** A header names the action in the JSON protocol, a field of the form in the Query protocol. */
  readonly isJson: boolean;
  readonly id: string;
  readonly exchange: Exchange;
  readonly report: Report;
}

function handleExchange(exchange: Exchange, options: QueueServerOptions): void {
  const { queues, report, hosts, stackOnly = false } = options;
  const refusal = refusalOf(exchange, hosts);
  if (refusal !== undefined) {
    sayNo(exchange, 403, refusal);
    return;
  }
  const target = exchange.headers["x-amz-target"];
  const request: Request = { isJson: target !== undefined, id: randomUUID(), exchange, report };
  try {
    const { action, input } =
      target === undefined ? decodeForm(exchange.body) : decodeJson(target, exchange.body);
    const call = new RequestCall(queues, input, request);
    checkRights(action ?? "", call, { stackOnly, isContainer: isContainer(exchange.headers) });
    const act = () => run(action, call, request.isJson);
    // What would be refused in the end must not have happened.
    const caughtUp = NOT_KEPT.has(action ?? "") ? undefined : queues.caughtUp();
    finish(request, action ?? "", caughtUp === undefined ? act() : caughtUp.then(act), queues);
  } catch (error) {
    fail(request, error);
  }
}

function sayNo(exchange: Exchange, status: number, why: string): void {
  exchange.answer(status, { "Content-Type": "text/plain; charset=utf-8" }, `${why}\n`);
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

  constructor(queues: Queues, input: Input, request: Request) {
    this.queues = queues;
    this.input = input;
    this.request = request;
  }

  get address(): string {
    return `http://${this.request.exchange.headers.host}`;
  }

  get path(): string {
    return this.request.isJson ? "" : this.request.exchange.path;
  }

  gone(): AbortSignal {
    const controller = new AbortController();
    this.request.exchange.onGone(() => controller.abort());
    return controller.signal;
  }

  refused(error: QueueError): void {
    reportRefusal(this.request.report, error);
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
): void {
  const kept = () => (NOT_KEPT.has(action) ? undefined : queues.kept());
  const whenKept = output instanceof Promise ? output.then(kept) : kept();
  if (!(output instanceof Promise) && whenKept === undefined) {
    answer(request, action, output);
    return;
  }
  Promise.all([output, whenKept]).then(
    ([ready]) => answer(request, action, ready),
    (error) => fail(request, error),
  );
}

function answer({ isJson, id, exchange }: Request, action: string, output: Output): void {
  const body = isJson ? JSON.stringify(output) : encodeXml(action, output, id);
  exchange.answer(200, { "Content-Type": typeOf(isJson), "x-amzn-RequestId": id }, body);
}

function fail({ isJson, id, exchange, report }: Request, error: unknown): void {
  const refusal = error instanceof QueueError ? error : unexpected(error);
  const { code, message, status } = refusal;
  reportRefusal(report, refusal);
  const headers = { "Content-Type": typeOf(isJson), "x-amzn-RequestId": id };
  if (isJson) {
    const body = JSON.stringify({ __type: code, message });
    exchange.answer(status, { ...headers, "x-amzn-query-error": `${code};Sender` }, body);
  } else {
    exchange.answer(status, headers, encodeXmlError(refusal, id));
  }
}

function typeOf(isJson: boolean): string {
  return isJson ? "application/x-amz-json-1.0" : "text/xml";
}

function unexpected(error: unknown): QueueError {
  return new QueueError("InternalFailure", error instanceof Error ? error.message : String(error));
}

function reportRefusal(report: Report, { code, message, fix }: QueueError): void {
  report({ type: "refused", by: "queue", code, message, ...(fix !== undefined && { fix }) });
}
