import * as v from "valibot";
import type { CloudApi } from "../cloud/cloud-api.ts";
import { UserError } from "../shell/user-error.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { HOURS_A_MONTH } from "./prices.ts";
import type { ContainerPart, StackParts } from "./stack-parts.ts";
import { BILLED_SECONDS, type Traffic } from "./usage.ts";

/** What was measured so far, and since when. */
export interface Measured {
  /** Extrapolated to a whole month. */
  readonly traffic: Traffic;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** What no series was found of, so that it counts as nothing. */
  readonly missing: readonly string[];
}

/** Points of a series; values that are not there are left out. */
export interface Series {
  readonly points: readonly (readonly [at: number, value: number])[];
}

const SERVICE = "monitoring";
const PATH = "/monitoring/v2/data/read";
const STEP_MS = 3_600_000;

// Gaps are written as "NaN".
const value = v.union([
  v.number(),
  v.pipe(
    v.literal("NaN"),
    v.transform(() => Number.NaN),
  ),
]);
/** @see https://yandex.cloud/en/docs/monitoring/api-ref/MetricsData/read */
const answerSchema = v.object({
  metrics: v.optional(
    v.array(
      v.object({
        timeseries: v.object({
          timestamps: v.optional(v.array(v.pipe(v.unknown(), v.toNumber())), []),
          doubleValues: v.optional(v.array(value)),
          int64Values: v.optional(v.array(v.pipe(v.unknown(), v.toNumber()))),
        }),
      }),
    ),
    [],
  ),
});

/** What the stage's metrics say since the beginning of the month (UTC). */
export async function measure(
  api: Pick<CloudApi, "query">,
  folderId: string,
  parts: StackParts,
  { containers, gateway }: Pick<DeployedApp, "containers" | "gateway">,
  now: number,
): Promise<Measured> {
  const period = { from: startOfMonth(now), to: now };
  const missing: string[] = [];
  const read = async (what: string, query: string, aggregation: string) => {
    const series = await readSeries(api, folderId, query, aggregation, period);
    if (series.length === 0) missing.push(what);
    return series;
  };
  const rate = async (what: string, query: string) =>
    sumOf(await read(what, `series_sum(drop_empty_series(${query}))`, "AVG"), (series) =>
      integrate(series, period.to),
    );
  const calls: Record<string, number> = {};
  const seconds: Record<string, number> = {};
  for (const part of parts.containers) {
    const of = containerMetric(folderId, part, containers[part.role]?.id);
    calls[part.role] = await rate(`calls of ${part.role}`, of("started_per_second"));
    const time = await read(`time of ${part.role}`, of("execution_time_milliseconds_sum"), "MAX");
    const worked = sumOf(time, (series) => growth(series, period.from + STEP_MS)) / 1000;
    // Each call is billed a tenth of a second at least.
    seconds[part.role] = Math.max(worked, (calls[part.role] ?? 0) * BILLED_SECONDS);
  }
  const requests = await rate(
    "requests to the gateway",
    selector("api_gateway.requests_count_per_second", {
      ...{ folderId, service: "serverless-apigateway", gateway: `${gateway.id}|${parts.gateway}` },
      ...{ path: "total", operation: "total", release: "stable", code: "*" },
    }),
  );
  const messages = await rate(
    "messages",
    selector("queue.messages.sent_count_per_second", {
      ...{ folderId, service: "message-queue", queue: parts.queues.join("|") },
    }),
  );
  const unknown = { requestUnits: undefined, logGb: undefined, imagesGb: undefined };
  const traffic = { calls, seconds, requests, messages, ...unknown };
  return { traffic: extrapolate(traffic, period), ...period, missing };
}

/** The same for a whole month, at the same pace. */
export function extrapolate(
  traffic: Traffic,
  { from, to }: { readonly from: number; readonly to: number },
): Traffic {
  const factor = (HOURS_A_MONTH * 3_600_000) / (to - from);
  const all = (counts: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(counts).map(([role, count]) => [role, count * factor]));
  return {
    ...traffic,
    calls: all(traffic.calls),
    seconds: all(traffic.seconds),
    requests: traffic.requests * factor,
    messages: traffic.messages * factor,
  };
}

/** How many there were, by points of so many a second, each of which holds for an hour. */
export function integrate({ points }: Series, to: number): number {
  return points.reduce((sum, [at, value]) => {
    return sum + (value * Math.max(0, Math.min(STEP_MS, to - at))) / 1000;
  }, 0);
}

/**
 * How much a counter has grown. It starts again at zero with each revision; what a series had before
 * `early`, the end of the period's first step, it may have from the month before.
 */
export function growth({ points }: Series, early: number): number {
  let before: number | undefined;
  let grown = 0;
  for (const [at, value] of points) {
    if (before === undefined) grown += at < early ? 0 : value;
    else grown += value < before ? value : value - before;
    before = value;
  }
  return grown;
}

/** Midnight of the first, in UTC. */
export function startOfMonth(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

async function readSeries(
  api: Pick<CloudApi, "query">,
  folderId: string,
  query: string,
  gridAggregation: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Series[]> {
  const body = {
    query,
    fromTime: new Date(from).toISOString(),
    toTime: new Date(to).toISOString(),
    downsampling: { gridAggregation, gridInterval: `${STEP_MS}` },
  };
  const path = `${PATH}?${new URLSearchParams({ folderId })}`;
  const result = v.safeParse(answerSchema, await api.query(SERVICE, path, body));
  if (!result.success) {
    const [issue] = result.issues;
    const at = v.getDotPath(issue) ?? "the whole";
    throw new UserError(`${SERVICE}: the answer is not as documented (${at}: ${issue.message}).`);
  }
  return result.output.metrics.map(({ timeseries }) => {
    const values = timeseries.doubleValues ?? timeseries.int64Values ?? [];
    const points = timeseries.timestamps.map((at, index) => [at, values[index] ?? Number.NaN]);
    return { points: (points as [number, number][]).filter(([, value]) => !Number.isNaN(value)) };
  });
}

// By id and by name: the reference says id, public dashboards use the name.
function containerMetric(folderId: string, { name }: ContainerPart, id: string | undefined) {
  const container = [...(id ? [id] : []), name].join("|");
  return (metric: string) =>
    selector(`serverless.containers.${metric}`, {
      ...{ folderId, service: "serverless-containers", container },
    });
}

function selector(metric: string, labels: Readonly<Record<string, string>>): string {
  const all = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `"${metric}"{${all.join(", ")}}`;
}

function sumOf(series: readonly Series[], each: (one: Series) => number): number {
  return series.reduce((sum, one) => sum + each(one), 0);
}
