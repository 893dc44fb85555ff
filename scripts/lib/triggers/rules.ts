import * as v from "valibot";
import type {
  QueueTriggerSpec,
  TimerTriggerSpec,
  TriggerSpec,
} from "../../../constructs/trigger-spec.ts";

/** What a trigger does, apart from where it is and what creates it. */
export type Rule = QueueRule | TimerRule;

/** Of a trigger that hands messages of a queue to a container. */
export type QueueRule = Omit<QueueTriggerSpec, "folderId" | "trigger">;

/** Of a trigger that calls a container on a schedule. */
export type TimerRule = Omit<TimerTriggerSpec, "folderId" | "trigger">;

/** A trigger as it is in the cloud. */
export interface LiveTrigger {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt?: string | undefined;
  /** `undefined` for a kind of trigger that this project does not create. */
  readonly rule: Rule | undefined;
}

/** What the stack wants a trigger to do. */
export function ruleOf({ folderId: _, trigger: __, ...rule }: TriggerSpec): Rule {
  return rule;
}

const number = v.pipe(v.union([v.string(), v.number()]), v.transform(Number));
const container = {
  containerId: v.string(),
  path: v.optional(v.string(), ""),
  serviceAccountId: v.optional(v.string(), ""),
};

const liveSchema = v.object({
  id: v.string(),
  name: v.optional(v.string(), ""),
  status: v.optional(v.string(), ""),
  labels: v.optional(v.record(v.string(), v.string()), {}),
  createdAt: v.optional(v.string()),
  rule: v.object({
    messageQueue: v.optional(
      v.object({
        queueId: v.string(),
        serviceAccountId: v.optional(v.string(), ""),
        batchSettings: v.optional(
          v.object({ size: v.optional(number, 1), cutoff: v.optional(v.string(), "0s") }),
          {},
        ),
        invokeContainer: v.optional(v.object(container)),
      }),
    ),
    timer: v.optional(
      v.object({
        cronExpression: v.string(),
        payload: v.optional(v.string(), ""),
        invokeContainerWithRetry: v.optional(v.object(container)),
      }),
    ),
  }),
});

/** Triggers as the REST API writes them (camelCase) or as `yc --format json` does (snake_case). */
export function parseLiveTriggers(list: unknown): LiveTrigger[] {
  return v.parse(v.nullish(v.array(v.unknown()), []), list).map((item) => {
    const { rule, ...trigger } = v.parse(liveSchema, camelCase(item));
    return { ...trigger, rule: queueRule(rule.messageQueue) ?? timerRule(rule.timer) };
  });
}

/** Seconds of a duration such as `10s` or `1m0s`. */
export function seconds(duration: string): number {
  const units: Record<string, number> = { h: 3600, m: 60, s: 1 };
  const parts = duration.matchAll(/([\d.]+)([hms])/g);
  return [...parts].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[String(unit)] ?? 0),
    0,
  );
}

type LiveRules = v.InferOutput<typeof liveSchema>["rule"];

function queueRule(queue: LiveRules["messageQueue"]): QueueRule | undefined {
  if (!queue) return undefined;
  const { invokeContainer: target } = queue;
  return {
    kind: "queue",
    queueArn: queue.queueId,
    readerId: queue.serviceAccountId,
    containerId: target?.containerId ?? "",
    path: target?.path || "/",
    invokerId: target?.serviceAccountId ?? "",
    batchSize: queue.batchSettings.size ?? 1,
    batchCutoffSeconds: seconds(queue.batchSettings.cutoff ?? "0s"),
  };
}

function timerRule(timer: LiveRules["timer"]): TimerRule | undefined {
  const target = timer?.invokeContainerWithRetry;
  if (!timer || !target) return undefined;
  return {
    kind: "timer",
    cron: timer.cronExpression,
    payload: timer.payload,
    containerId: target.containerId,
    path: target.path || "/",
    invokerId: target.serviceAccountId,
  };
}

// Labels are the user's own words and stay as they are.
function camelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCase);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    key === "labels" ? inner : camelCase(inner),
  ]);
  return Object.fromEntries(entries);
}
