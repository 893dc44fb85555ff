import { describe, expect, test } from "vitest";
import { ManageContainer } from "../../constructs/manage-container.ts";
import { ReleaseStep } from "../../constructs/release-step.ts";
import { ServerlessContainer } from "../../constructs/serverless-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { synthPlain } from "../support/synth.ts";

const stack = synthPlain((scope) => {
  const account = ServiceAccount.fromId(scope, "App", { accountId: "aje1", folderId: "b1g1" });
  const image = `cr.yandex/crp1/app@sha256:${"0".repeat(64)}`;
  const container = new ManageContainer(scope, "Manage", {
    ...{ name: "shop-manage", image, account, caller: "userAccount:aje2" },
  });
  const web = new ServerlessContainer(scope, "Web", { name: "shop-web", image, account });
  const step = new ReleaseStep(scope, "Release", {
    container,
    words: ["migrate", "--noinput"],
    command: "npm --prefix ../../.. run --silent manage",
  });
  step.precedes(web);
});

describe("ReleaseStep", () => {
  const step = stack.resource?.terraform_data?.Release;

  test("runs the command with the words, against the container of commands", () => {
    expect(step).toMatchObject({
      provisioner: [
        {
          "local-exec": {
            command: "npm --prefix ../../.. run --silent manage",
            interpreter: ["sh", "-c"],
            environment: {
              MANAGE_URL: "${yandex_serverless_container.Manage.url}",
              MANAGE_WORDS: '["migrate","--noinput"]',
            },
          },
        },
      ],
    });
  });

  test("runs for each revision of the container of commands, and for other words", () => {
    expect(step).toMatchObject({
      triggers_replace: ["${sha256(jsonencode(local.Manage_revision))}", "migrate", "--noinput"],
    });
  });

  test("runs once its caller may call, and before what follows it", () => {
    expect(step?.depends_on).toEqual(["yandex_serverless_container_iam_binding.Manage_Invokers"]);
    expect(stack.resource?.yandex_serverless_container?.Web?.depends_on).toContain(
      "terraform_data.Release",
    );
    expect(stack.resource?.yandex_serverless_container?.Manage?.depends_on).toBeUndefined();
  });
});
