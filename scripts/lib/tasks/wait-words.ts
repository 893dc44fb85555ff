import { presentReason } from "../../../packages/console/reasons.ts";
import type { Reason, Step } from "../../../packages/console/source.ts";
import { SHORTEST_MS } from "../../../packages/console/steps.ts";
import type { TaskRecord, WaitCause } from "../../../packages/task-history/task-record.ts";
import { formatDuration } from "../shell/style.ts";

/** What a task has waited for, for a person: `short` in a list, behind a duration. */
const WORDS: {
  readonly [cause in Reason["cause"]]: { readonly short: string; readonly words: string };
} = {
  delay: { short: "delayed", words: "its countdown, eta or delay" },
  retry: { short: "until retry", words: "the pause before a retry, which the task's code sets" },
  hidden: {
    short: "hidden",
    words: "the queue's visibility timeout after a delivery that failed",
  },
  capacity: {
    short: "for a free worker",
    words: "the worker, which was busy with other tasks",
  },
  paused: { short: "paused", words: "the triggers, which are paused" },
  queue: { short: "queued", words: "the trigger to take it from the queue" },
  batch: {
    short: "for a batch",
    words: "more messages, which the trigger gathers into one request",
  },
};

/** `waited 30.4 s (30.0 s hidden, 0.4 s queued)`; nothing where it has hardly waited. */
export function formatWaits({ waits = [] }: Pick<TaskRecord, "waits">): string {
  const sums = new Map<WaitCause, number>();
  for (const { cause, from, to } of waits) sums.set(cause, (sums.get(cause) ?? 0) + to - from);
  const long = [...sums].filter(([, sum]) => sum >= SHORTEST_MS);
  const total = long.reduce((all, [, sum]) => all + sum, 0);
  if (total === 0) return "";
  const parts = long.map(([cause, sum]) => ({ sum, short: WORDS[cause].short }));
  const [only] = parts.length === 1 ? parts : [];
  if (only) return `waited ${formatDuration(total)} ${only.short}`;
  const list = parts.map(({ sum, short }) => `${formatDuration(sum)} ${short}`).join(", ");
  return `waited ${formatDuration(total)} (${list})`;
}

/**
 * `waited 30.0 s for the queue's visibility timeout after a delivery that failed (worker.timeoutSeconds
 * in config.ts)`.
 */
export function describeWait({ from, to, reason }: Extract<Step, { kind: "waited" }>): string {
  return `waited ${formatDuration(to - from)} for ${describeReason(reason)}`;
}

/**
 * Why it waits at the moment; nothing where it does not.
 *
 * @param queue Celery's name of the queue, where it is not the default one: it may have fields of its own
 */
export function describeState({ state, queue }: Pick<TaskRecord, "state" | "queue">): string {
  const reason = presentReason({ state }, { queue });
  return reason ? `waits for ${describeReason(reason)}` : "";
}

function describeReason({ cause, fields }: Reason): string {
  const { words } = WORDS[cause];
  return fields.length === 0 ? words : `${words} (${fields.join(" or ")} in config.ts)`;
}
