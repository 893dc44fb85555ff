import { CloudError } from "../errors.ts";
import type { Metric } from "../state.ts";
import { required, restService } from "./rest.ts";

const SELECTOR = /"([\w.]+)"\{([^}]*)\}/;
const FUNCTIONS = /^(?:(?:series_sum|drop_empty_series)\()*"[\w.]+"\{[^}]*\}\)*$/;

type Points = Metric["points"];

/**
 * Reads metrics, https://yandex.cloud/en/docs/monitoring/api-ref/MetricsData/read. Of the query language:
 * a selector, and what the commands put around one.
 */
export const MONITORING = restService("monitoring", [
  {
    on: "POST /monitoring/v2/data/read",
    run: ({ query: search, body }, { read }) => {
      const folder = required(search, "folderId");
      if (read(({ faults }) => faults.denied?.includes("monitoring")))
        throw new CloudError("PermissionDenied", "Permission denied");
      const text = field(body, "query");
      if (!FUNCTIONS.test(text)) throw new CloudError("InvalidArgument", `Bad query: ${text}`);
      const [from, to] = [Date.parse(field(body, "fromTime")), Date.parse(field(body, "toTime"))];
      const { gridAggregation = "AVG", gridInterval } = (body.downsampling ?? {}) as Record<
        string,
        string
      >;
      if (!gridInterval) throw new CloudError("InvalidArgument", "downsampling: Field is required");
      const found = select(
        read(({ metrics = [] }) => metrics),
        folder,
        text,
      );
      const grids = found.map(({ points }) => {
        const within = points.filter(([at]) => at >= from && at < to);
        return downsample(within, from, Number(gridInterval), gridAggregation);
      });
      const summed = text.startsWith("series_sum") && grids.length > 0 ? [sum(grids)] : grids;
      return { metrics: summed.map(view) };
    },
  },
]);

function field(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (typeof value === "string" && value !== "") return value;
  throw new CloudError("InvalidArgument", `${name}: Field is required`);
}

function select(metrics: readonly Metric[], folder: string, query: string): Metric[] {
  const [, name, list = ""] = SELECTOR.exec(query) ?? [];
  const wanted = [...list.matchAll(/(\w+)="([^"]*)"/g)].map(
    ([, label = "", value = ""]) => [label, value.split("|")] as const,
  );
  return metrics.filter(
    (metric) =>
      metric.name === name &&
      wanted.every(([label, values]) =>
        label === "folderId" ? values.includes(folder) : matches(metric.labels[label], values),
      ),
  );
}

function matches(value: string | undefined, patterns: readonly string[]): boolean {
  return value !== undefined && patterns.some((it) => it === "*" || it === value);
}

function downsample(points: Points, from: number, step: number, aggregation: string): Points {
  const grid = new Map<number, number[]>();
  for (const [at, value] of points) {
    const start = from + Math.floor((at - from) / step) * step;
    grid.set(start, [...(grid.get(start) ?? []), value]);
  }
  const all = (values: readonly number[]) =>
    aggregation === "MAX"
      ? Math.max(...values)
      : values.reduce((total, value) => total + value, 0) / values.length;
  return [...grid].map(([at, values]) => [at, all(values)] as const);
}

function sum(grids: readonly Points[]): Points {
  const total = new Map<number, number>();
  for (const [at, value] of grids.flat()) total.set(at, (total.get(at) ?? 0) + value);
  return [...total].sort(([a], [b]) => a - b);
}

function view(points: Points) {
  return {
    type: "DGAUGE",
    labels: {},
    timeseries: {
      timestamps: points.map(([at]) => at),
      doubleValues: points.map(([, value]) => value),
    },
  };
}
