import type { JsonObject } from "../support/json.ts";
import { optionalText } from "./_input.ts";
import { QueueError } from "./errors.ts";
import type { Queues } from "./queues.ts";

/** One request, whatever protocol it came by. */
export interface QueueCall {
  readonly queues: Queues;
  /** The request's fields in the shape of the JSON protocol. Numbers may be texts. */
  readonly input: JsonObject;
  /** The server's address as the client knows it: its URLs of queues begin with this. */
  readonly address: string;
  /** The path of the request, by which the Query protocol may name a queue. */
  readonly path: string;
  /** Aborted when the client has gone. */
  gone(): AbortSignal;
  /** Told of each entry of a batch that fails. */
  failed(error: QueueError): void;
}

/** An action of the API: `SendMessage`, `CreateQueue` and so on. */
export interface QueueAction {
  /** All fields that it knows; others are an error, as in the cloud. */
  readonly fields: ReadonlySet<string>;
  /** Returns the response in the shape of the JSON protocol. */
  readonly run: (call: QueueCall) => JsonObject | Promise<JsonObject>;
}

/** An action, its fields by name. */
export function action(fields: readonly string[], run: QueueAction["run"]): QueueAction {
  return { fields: new Set(fields), run };
}

/** The queue that a request is about, by the last part of its URL. */
export function queueName({ input, path }: QueueCall): string {
  const url = optionalText(input, "QueueUrl") || path;
  const name = url.slice(url.lastIndexOf("/") + 1);
  if (name) return name;
  throw new QueueError("MissingParameter", "No queue url was provided.");
}
