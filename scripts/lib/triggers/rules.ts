import * as v from "valibot";

/** A trigger that hands messages of a queue to a container. */
export interface QueueRule {
  readonly kind: "queue";
  readonly queueArn: string;
  readonly readerId: string;
  readonly containerId: string;
  readonly path: string;
  readonly invokerId: string;
  readonly batchSize: number;
  readonly batchCutoff: number;
}

/** A trigger that calls a container on a schedule. */
export interface TimerRule {
  readonly kind: "timer";
  readonly cron: string;
  readonly payload: string;
  readonly containerId: string;
  readonly path: string;
  readonly invokerId: string;
}

export type Rule = QueueRule | TimerRule;

/** A trigger as the stack wants it: one entry of the output `triggers`. */
export interface TriggerSpec {
  readonly folderId: string;
  readonly via: "yc" | "terraform";
  readonly rule: Rule;
}

export type TriggerSpecs = Readonly<Record<string, TriggerSpec>>;

/** A trigger as it is in the cloud. */
export interface LiveTrigger {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt?: string | undefined;
  /** `undefined` for a kind of trigger that this project does not make. */
  readonly rule: Rule | undefined;
}

const target = {
  containerId: v.string(),
  path: v.optional(v.string(), ""),
  invokerId: v.string(),
  folderId: v.string(),
  via: v.optional(v.picklist(["yc", "terraform"]), "yc"),
};

const specsSchema = v.record(
  v.string(),
  v.variant("kind", [
    v.object({
      kind: v.literal("queue"),
      queueArn: v.string(),
      readerId: v.string(),
      batchSize: v.number(),
      batchCutoff: v.number(),
      ...target,
    }),
    v.object({
      kind: v.literal("timer"),
      cron: v.string(),
      payload: v.nullish(v.string(), ""),
      ...target,
    }),
  ]),
);

/** The output `triggers` of the stack `app`. */
export function parseSpecs(output: unknown): TriggerSpecs {
  const specs = v.parse(specsSchema, output);
  return Object.fromEntries(
    Object.entries(specs).map(([name, { folderId, via, ...rule }]) => [
      name,
      { folderId, via, rule: { ...rule, path: rule.path || "/" } },
    ]),
  );
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
    batchCutoff: seconds(queue.batchSettings.cutoff ?? "0s"),
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
