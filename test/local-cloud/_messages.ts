import { randomUUID } from "node:crypto";

/** A message as Celery publishes it: a call of `tasks.note` of the small project, or of another task. */
export function celeryMessage(
  args: readonly unknown[],
  { id = randomUUID(), task = "tasks.note" }: { readonly id?: string; readonly task?: string } = {},
): string {
  const message = {
    body: toBase64([args, {}, { callbacks: null, errbacks: null, chain: null, chord: null }]),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: { lang: "py", task, id, root_id: id, parent_id: null, group: null, retries: 0 },
    properties: {
      correlation_id: id,
      delivery_mode: 2,
      delivery_info: { exchange: "", routing_key: "default" },
      priority: 0,
      body_encoding: "base64",
      delivery_tag: randomUUID(),
    },
  };
  return toBase64(message);
}

function toBase64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64");
}
