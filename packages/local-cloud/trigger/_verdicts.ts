import * as v from "valibot";
import type { Answered } from "../events/event.ts";

const schema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    messages: v.array(
      v.object({
        message_id: v.string(),
        outcome: v.string(),
        reason: v.optional(v.string()),
        state: v.optional(v.string()),
      }),
    ),
  }),
);

/** What the worker package says about each message; nothing where something else has answered. */
export function readVerdicts(body: string): Answered["verdicts"] {
  const result = v.safeParse(schema, body);
  if (!result.success) return [];
  return result.output.messages.map(({ message_id: messageId, ...verdict }) => ({
    messageId,
    ...verdict,
  }));
}
