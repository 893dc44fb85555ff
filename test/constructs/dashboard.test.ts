import { TerraformOutput } from "cdktf";
import { describe, expect, test } from "vitest";
import { ApiGateway } from "../../constructs/api-gateway.ts";
import { Dashboard } from "../../constructs/dashboard.ts";
import { MessageQueue } from "../../constructs/message-queue.ts";
import { ServerlessContainer } from "../../constructs/serverless-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { refusals, resources, synthPlain } from "../support/synth.ts";

type Stack = ConstructorParameters<typeof MessageQueue>[0];

interface Widget {
  readonly position: { readonly x: number; readonly y: number; readonly w: number; h: number }[];
  readonly chart?: {
    readonly title: string;
    readonly queries: { target: { query: string }[] }[];
  }[];
}

function define(scope: Stack, name = "shop"): Dashboard {
  const account = new ServiceAccount(scope, "Account", { name: "shop-runtime" });
  return new Dashboard(scope, "Dashboard", {
    name,
    queues: ["shop-tasks", "shop-tasks-heavy"].map(
      (queue) =>
        new MessageQueue(scope, queue, { name: queue, deadLetters: { maxReceiveCount: 10 } }),
    ),
    containers: [
      new ServerlessContainer(scope, "Web", {
        name: "shop-web",
        image: `cr.yandex/crp1/app@sha256:${"0".repeat(64)}`,
        account,
      }),
    ],
    gateway: new ApiGateway(scope, "Gateway", { name: "shop-gateway", account }),
  });
}

function widgets(): Widget[] {
  const [dashboard] = resources(
    synthPlain((scope) => void define(scope)),
    "yandex_monitoring_dashboard",
  );
  return dashboard?.widgets as Widget[];
}

const FOLDER = '"${yandex_api_gateway.Gateway.folder_id}"';

describe("Dashboard", () => {
  test("asks for the metrics of this stage's things alone, where their names are known", () => {
    const queries = Object.fromEntries(
      widgets().flatMap(({ chart = [] }) =>
        chart.map(({ title, queries }) => [title, queries[0]?.target[0]?.query]),
      ),
    );

    expect(queries).toMatchObject({
      Messages: `series_sum("queue", "queue.messages.stored_count"{folderId=${FOLDER}, service="message-queue", queue="shop-tasks|shop-tasks-heavy"})`,
      "Dead letters": `series_sum("queue", "queue.messages.stored_count"{folderId=${FOLDER}, service="message-queue", queue="shop-tasks-dead|shop-tasks-heavy-dead"})`,
      "Errors per second": `series_sum("container", drop_empty_series("serverless.containers.errors_per_second"{folderId=${FOLDER}, service="serverless-containers", container="\${yandex_serverless_container.Web.id}|shop-web"}))`,
      "Answers per second, by status": `series_sum("code", "api_gateway.requests_count_per_second"{folderId=${FOLDER}, service="serverless-apigateway", gateway="\${yandex_api_gateway.Gateway.id}|shop-gateway", path="total", operation="total", release="stable", code="*"})`,
      "Missing rights, errors per second": `series_sum(["trigger", "type"], "serverless.triggers.access_error_per_second"{folderId=${FOLDER}, service="serverless-functions"})`,
    });
    expect(Object.keys(queries)).toHaveLength(14);
  });

  test("has no two things in the same place, and nothing beyond its 36 columns", () => {
    const places = widgets().flatMap(({ position }) => position);
    const cells = places.flatMap(({ x, y, w, h }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );

    expect(places.length).toBeGreaterThan(15);
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...places.map(({ x, w }) => x + w))).toBe(36);
  });

  test("tells the address of its page", () => {
    const stack = synthPlain((scope) => {
      new TerraformOutput(scope, "url", { value: define(scope).url });
    });

    expect(stack.output?.url?.value).toBe(
      "https://monitoring.yandex.cloud/folders/${yandex_api_gateway.Gateway.folder_id}/dashboards/shop",
    );
  });

  test("refuses a name that the cloud does not take", () => {
    expect(refusals((scope) => void define(scope, "Shop"))).toContain(
      "[app/Dashboard] 'name' is \"Shop\", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the dashboard.",
    );
  });
});
