import {
  type MonitoringDashboardWidgets,
  MonitoringDashboard as Resource,
} from "@cdktf/provider-yandex/lib/monitoring-dashboard";
import { Construct } from "constructs";
import { checkName, type NamedProps } from "./_name.ts";
import { refuseAtSynth } from "./_refusal.ts";
import type { ApiGateway } from "./api-gateway.ts";
import type { MessageQueue } from "./message-queue.ts";
import type { ServerlessContainer } from "./serverless-container.ts";

/** Props of {@link Dashboard}. */
export interface DashboardProps extends NamedProps {
  /** Shown with their dead letters. */
  readonly queues: readonly MessageQueue[];
  readonly containers: readonly ServerlessContainer[];
  readonly gateway: ApiGateway;
}

interface Chart {
  readonly title: string;
  /** In Monitoring's query language. */
  readonly queries: readonly string[];
}

/** Where a service's metrics are described. */
const METRICS = {
  queues: "https://yandex.cloud/en/docs/monitoring/metrics-ref/message-queue-ref",
  containers: "https://yandex.cloud/en/docs/monitoring/metrics-ref/serverless-containers-ref",
  triggers: "https://yandex.cloud/en/docs/monitoring/metrics-ref/serverless-containers-ref",
  gateway: "https://yandex.cloud/en/docs/monitoring/metrics-ref/api-gateway-ref",
} as const;

/** Columns of a dashboard, and how many a chart has. */
const COLUMNS = 36;
const CHART = { w: 12, h: 8 };
const TEXT = { w: COLUMNS, h: 3 };

/**
 * What a person on call looks at, as a dashboard of Monitoring: queues with their age and their dead
 * letters, containers, gateway, triggers, and how much of the free tiers is used. It costs nothing.
 *
 * Metrics of triggers are those of the whole folder: their ids are not known here.
 *
 * @see https://yandex.cloud/en/docs/monitoring/concepts/visualization/dashboard
 */
export class Dashboard extends Construct {
  readonly name: string;
  /** The page that shows it. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    refuseAtSynth(this, (refuse) => checkName(props.name, "dashboard", refuse));
    const { name, gateway } = props;
    this.name = name;
    this.url = `https://monitoring.yandex.cloud/folders/${gateway.folderId}/dashboards/${name}`;
    new Resource(this, "Resource", { name, title: name, widgets: renderWidgets(props) });
  }
}

function renderWidgets(props: DashboardProps): MonitoringDashboardWidgets[] {
  const sections = [
    { text: describe("Queues", METRICS.queues), charts: queueCharts(props) },
    { text: describe("Containers", METRICS.containers), charts: containerCharts(props) },
    { text: describe("Gateway", METRICS.gateway), charts: gatewayCharts(props) },
    {
      text: describe("Triggers of the folder", METRICS.triggers),
      charts: triggerCharts(props),
    },
    {
      text: "**Free tiers**: choose the current month as the time range",
      charts: freeTierCharts(props),
    },
  ];
  let y = 0;
  return sections.flatMap(({ text, charts }, section) => {
    const top = y;
    const perRow = COLUMNS / CHART.w;
    y += TEXT.h + Math.ceil(charts.length / perRow) * CHART.h;
    return [
      { text: [{ text }], position: [{ ...TEXT, x: 0, y: top }] },
      ...charts.map(({ title, queries }, index) => ({
        chart: [
          {
            chartId: `chart-${section}-${index}`,
            title,
            displayLegend: true,
            queries: [{ target: queries.map((query) => ({ query, textMode: true })) }],
          },
        ],
        position: [
          {
            ...CHART,
            x: (index % perRow) * CHART.w,
            y: top + TEXT.h + Math.floor(index / perRow) * CHART.h,
          },
        ],
      })),
    ];
  });
}

function describe(title: string, source: string): string {
  return `**${title}**, [metrics](${source})`;
}

function queueCharts({ queues, gateway }: DashboardProps): Chart[] {
  const dead = queues.flatMap(({ deadLetterQueue }) => (deadLetterQueue ? [deadLetterQueue] : []));
  const of = (metric: string, some: readonly MessageQueue[]) =>
    selector(metric, gateway, {
      service: "message-queue",
      queue: some.map(({ name }) => name).join("|"),
    });
  return [
    chart("Messages", `series_sum("queue", ${of("queue.messages.stored_count", queues)})`),
    // The metric's name says milliseconds; its reference says that they are seconds.
    chart(
      "Age of the oldest message, seconds",
      `series_max("queue", ${of("queue.messages.oldest_age_milliseconds", queues)})`,
    ),
    chart(
      "Messages under way",
      `series_sum("queue", ${of("queue.messages.inflight_count", queues)})`,
    ),
    chart("Dead letters", `series_sum("queue", ${of("queue.messages.stored_count", dead)})`),
  ];
}

function containerCharts(props: DashboardProps): Chart[] {
  const of = (metric: string) => containerMetric(metric, props);
  const each = (metric: string) => `series_sum("container", drop_empty_series(${of(metric)}))`;
  const times = `series_sum(["container", "bin"], ${of("execution_time_milliseconds")})`;
  return [
    chart("Calls per second", each("started_per_second")),
    chart("Errors per second", each("errors_per_second")),
    chart("Running at once", each("inflight")),
    chart("Run time of 95 % of the calls, ms", `histogram_percentile(95, "bin", ${times})`),
  ];
}

function gatewayCharts({ gateway }: DashboardProps): Chart[] {
  const of = (metric: string, more: Readonly<Record<string, string>>) =>
    gatewayMetric(metric, gateway, more);
  const latency = of("requests_latency_milliseconds", { bin: "*" });
  return [
    chart(
      "Answers per second, by status",
      `series_sum("code", ${of("requests_count_per_second", { code: "*" })})`,
    ),
    chart("Time of 95 % of the answers, ms", `histogram_percentile(95, "bin", ${latency})`),
  ];
}

function triggerCharts({ gateway }: DashboardProps): Chart[] {
  const of = (metric: string) =>
    selector(`serverless.triggers.${metric}`, gateway, { service: "serverless-functions" });
  const each = (metric: string) => `series_sum(["trigger", "type"], ${of(metric)})`;
  return [
    chart("Failed deliveries per second", each("error_per_second")),
    chart("Missing rights, errors per second", each("access_error_per_second")),
  ];
}

function freeTierCharts(props: DashboardProps): Chart[] {
  const calls = containerMetric("started_per_second", props);
  const requests = gatewayMetric("requests_count_per_second", props.gateway, { code: "*" });
  return [
    chart("Calls of containers, 1,000,000 a month are free", `integral(series_sum(${calls}))`),
    chart("Requests to the gateway, 100,000 a month are free", `integral(series_sum(${requests}))`),
  ];
}

// By id and by name: the reference says id, public dashboards use the name.
function containerMetric(metric: string, { containers, gateway }: DashboardProps): string {
  return selector(`serverless.containers.${metric}`, gateway, {
    service: "serverless-containers",
    container: containers.flatMap(({ id, name }) => [id, name]).join("|"),
  });
}

function gatewayMetric(
  metric: string,
  gateway: ApiGateway,
  more: Readonly<Record<string, string>>,
): string {
  return selector(`api_gateway.${metric}`, gateway, {
    service: "serverless-apigateway",
    gateway: `${gateway.id}|${gateway.name}`,
    path: "total",
    operation: "total",
    release: "stable",
    ...more,
  });
}

function selector(
  metric: string,
  { folderId }: ApiGateway,
  labels: Readonly<Record<string, string>>,
): string {
  const all = Object.entries({ folderId, ...labels });
  return `"${metric}"{${all.map(([label, value]) => `${label}="${value}"`).join(", ")}}`;
}

function chart(title: string, ...queries: readonly string[]): Chart {
  return { title, queries };
}
