import { type Input, optionalText } from "./_input.ts";
import { QueueError } from "./errors.ts";
import type { Queues } from "./queues.ts";

/** One request, whatever protocol it came by. */
export interface Call {
  readonly queues: Queues;
  readonly input: Input;
  /** The server's address as the client knows it: its URLs of queues begin with this. */
  readonly address: string;
  /** The path of the request, by which the Query protocol may name a queue. */
  readonly path: string;
  /** Aborted when the client has gone. */
  gone(): AbortSignal;
  /** Told of each entry of a batch that is refused. */
  refused(error: QueueError): void;
}

export type Output = Readonly<Record<string, unknown>>;

export interface Action {
  /** All fields that it knows; others are refused, as the cloud does. */
  readonly fields: ReadonlySet<string>;
  readonly run: (call: Call) => Output | Promise<Output>;
}

export function action(fields: readonly string[], run: Action["run"]): Action {
  return { fields: new Set(fields), run };
}

/** The queue that a request is about, by the last part of its URL. */
export function queueName({ input, path }: Call): string {
  const url = optionalText(input, "QueueUrl") || path;
  const name = url.slice(url.lastIndexOf("/") + 1);
  if (name) return name;
  throw new QueueError("MissingParameter", "No queue url was provided.");
}
