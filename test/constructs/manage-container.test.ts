import type { TerraformStack } from "cdktf";
import { describe, expect, test } from "vitest";
import { ManageContainer, type ManageContainerProps } from "../../constructs/manage-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { resources, synthPlain } from "../support/synth.ts";

const build = (scope: TerraformStack, props: Partial<ManageContainerProps> = {}) =>
  new ManageContainer(scope, "Manage", {
    name: "shop-manage",
    image: `cr.yandex/crp1/app@sha256:${"0".repeat(64)}`,
    account: ServiceAccount.fromId(scope, "App", { accountId: "aje1", folderId: "b1g1" }),
    caller: "userAccount:aje2",
    ...props,
  });

describe("ManageContainer", () => {
  test("runs the worker package's command for one request at a time, for up to an hour", () => {
    const stack = synthPlain((scope) => void build(scope));

    expect(resources(stack, "yandex_serverless_container")).toMatchObject([
      {
        name: "shop-manage",
        runtime: { type: "task" },
        concurrency: 1,
        execution_timeout: "3600s",
        image: { command: ["python3", "-m", "celery_push_worker", "manage"] },
      },
    ]);
  });

  test("takes another limit of time", () => {
    const stack = synthPlain((scope) => void build(scope, { timeoutSeconds: 60 }));

    expect(resources(stack, "yandex_serverless_container")).toMatchObject([
      { execution_timeout: "60s" },
    ]);
  });

  test("may be called by its one caller", () => {
    const stack = synthPlain((scope) => void build(scope));

    expect(resources(stack, "yandex_serverless_container_iam_binding")).toMatchObject([
      {
        container_id: "${yandex_serverless_container.Manage.id}",
        role: "serverless-containers.containerInvoker",
        members: ["userAccount:aje2"],
      },
    ]);
  });
});
