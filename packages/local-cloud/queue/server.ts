import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Report } from "../events/event.ts";
import { isContainer } from "../stack/local-ids.ts";
import { refusalOf } from "../support/guard.ts";
import { type JsonObject, parseObject } from "../support/json.ts";
import { type Listening, listen } from "../support/listen.ts";
import { readBody } from "../support/read-body.ts";
import type { QueueAction, QueueCall } from "./_action.ts";
import { messageActions } from "./_message-actions.ts";
import { decodeForm, encodeXml, encodeXmlError } from "./_query-protocol.ts";
import { queueActions } from "./_queue-actions.ts";
import { checkRights } from "./_rights.ts";
import { QueueError } from "./errors.ts";
import type { Queues } from "./queues.ts";

/** Ten messages of the largest size, escaped as badly as can be. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
const ACTIONS: ReadonlyMap<string, QueueAction> = new Map(
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

/** What the server serves, and to whom. */
export interface QueueServerOptions {
  readonly queues: Queues;
  /** The port to try first; 0 for any. */
  readonly port: number;
  /** Names of this machine besides localhost. @default - none */
  readonly hosts?: readonly string[];
  /** Whether clients may create no queues. @default false */
  readonly stackOnly?: boolean;
  readonly report: Report;
}

/**
 * Serves queues to clients of SQS, by the AWS JSON protocol (header `X-Amz-Target`) and by the Query
 * protocol (a form, answered in XML). Signatures are not verified.
 */
export function startQueueServer(options: QueueServerOptions): Promise<Listening> {
  return listen((request, response) => {
    // A client that leaves before its request is complete gets no answer.
    readBody(request, MAX_REQUEST_BYTES).then(
      (body) => new QueueExchange(request, response, options).answer(body),
      () => response.destroy(),
    );
  }, options.port);
}

/** One request and its answer. */
class QueueExchange {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly options: QueueServerOptions;
  private readonly id = randomUUID();

  constructor(request: IncomingMessage, response: ServerResponse, options: QueueServerOptions) {
    this.request = request;
    this.response = response;
    this.options = options;
  }

  async answer(body: Buffer): Promise<void> {
    const foreign = refusalOf(this.request, this.options.hosts);
    if (foreign !== undefined) this.sendText(403, foreign);
    else if (body.length > MAX_REQUEST_BYTES) {
      this.sendText(413, `A request can have at most ${MAX_REQUEST_BYTES} bytes.`);
    } else {
      await this.act(body.toString()).catch((error) => this.fail(error));
    }
  }

  private async act(body: string): Promise<void> {
    const { queues, stackOnly = false } = this.options;
    const { action, input } =
      this.target === undefined ? decodeForm(body) : decodeJson(this.target, body);
    const call = this.call(input);
    checkRights(action, call, { stackOnly, isContainer: isContainer(this.request.headers) });
    const isKept = !NOT_KEPT.has(action);
    // What fails in the end must not have happened.
    if (isKept) await queues.caughtUp();
    const output = await run(action, call, this.target !== undefined);
    if (isKept) await queues.kept();
    this.send(200, this.isJson ? JSON.stringify(output) : encodeXml(action, output, this.id));
  }

  /** A header names the action in the JSON protocol, a field of the form in the Query protocol. */
  private get target(): string | undefined {
    return this.request.headers["x-amz-target"]?.toString();
  }

  private get isJson(): boolean {
    return this.target !== undefined;
  }

  private call(input: JsonObject): QueueCall {
    const { queues, report } = this.options;
    return {
      queues,
      input,
      address: `http://${this.request.headers.host}`,
      path: this.isJson ? "" : (this.request.url ?? "/"),
      gone: () => {
        const controller = new AbortController();
        this.response.once("close", () => controller.abort());
        return controller.signal;
      },
      failed: (error) => reportError(report, error),
    };
  }

  private fail(error: unknown): void {
    const failure = error instanceof QueueError ? error : unexpected(error);
    const { code, message, status } = failure;
    reportError(this.options.report, failure);
    if (this.isJson) {
      const body = JSON.stringify({ __type: code, message });
      this.send(status, body, { "x-amzn-query-error": `${code};Sender` });
    } else {
      this.send(status, encodeXmlError(failure, this.id));
    }
  }

  private send(status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
    this.response.writeHead(status, {
      ...headers,
      "Content-Type": this.isJson ? "application/x-amz-json-1.0" : "text/xml",
      "Content-Length": Buffer.byteLength(body),
      "x-amzn-RequestId": this.id,
    });
    this.response.end(body);
  }

  private sendText(status: number, text: string): void {
    this.response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
    this.response.end(`${text}\n`);
  }
}

function decodeJson(
  target: string,
  body: string,
): { readonly action: string; readonly input: JsonObject } {
  const input = body === "" ? {} : parseObject(body);
  if (input !== undefined) return { action: target.replace(/^AmazonSQS\./, ""), input };
  throw new QueueError("InvalidArgumentException", "The request's body must be a JSON object.");
}

function run(name: string, call: QueueCall, isStrict: boolean): JsonObject | Promise<JsonObject> {
  if (name === "") throw new QueueError("MissingAction", "Action param was not found.");
  const action = ACTIONS.get(name);
  if (action === undefined) throw new QueueError("MissingAction", `Unknown action: "${name}".`);
  const unknown = Object.keys(call.input).find((field) => isStrict && !action.fields.has(field));
  if (unknown !== undefined) {
    throw new QueueError("InvalidArgumentException", `${name} has no field "${unknown}".`);
  }
  return action.run(call);
}

function unexpected(error: unknown): QueueError {
  return new QueueError("InternalFailure", error instanceof Error ? error.message : String(error));
}

function reportError(report: Report, { code, message, fix }: QueueError): void {
  report({ type: "refused", by: "queue", code, message, ...(fix !== undefined && { fix }) });
}
