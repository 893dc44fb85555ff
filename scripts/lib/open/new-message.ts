/** A call of a task. */
export interface Call {
  /** Of the new task. */
  readonly id: string;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Celery's name of the queue. */
  readonly queue: string;
}

/**
 * A message of Celery's second protocol, as kombu writes it into a queue, where no other one is known.
 *
 * @see https://docs.celeryq.dev/en/stable/internals/protocol.html
 */
export function newMessage({ id, name, args, kwargs, queue }: Call): string {
  const embed = { callbacks: null, errbacks: null, chain: null, chord: null };
  const envelope = {
    body: Buffer.from(JSON.stringify([args, kwargs, embed])).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: {
      ...{ lang: "py", task: name, id, root_id: id, parent_id: null, group: null },
      ...{ retries: 0, eta: null, expires: null, timelimit: [null, null], shadow: null },
      ...{ argsrepr: JSON.stringify(args), kwargsrepr: JSON.stringify(kwargs) },
      ...{ origin: "npm run open", ignore_result: false },
    },
    properties: {
      ...{ correlation_id: id, reply_to: "", delivery_mode: 2, priority: 0 },
      delivery_info: { exchange: "", routing_key: queue },
      ...{ body_encoding: "base64", delivery_tag: id },
    },
  };
  return Buffer.from(JSON.stringify(envelope)).toString("base64");
}
