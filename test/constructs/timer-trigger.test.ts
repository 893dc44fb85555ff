import { TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { describe, expect, test } from "vitest";
import { raiseQuotas } from "../../constructs/_quotas.ts";
import { TriggerOutput } from "../../constructs/_trigger-output.ts";
import { ServerlessContainer } from "../../constructs/serverless-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { TimerTrigger, type TimerTriggerProps } from "../../constructs/timer-trigger.ts";
import type { QueueTriggerSpec } from "../../constructs/trigger-spec.ts";
import { addresses, raw, refusals, resources, synthPlain } from "../support/synth.ts";

const REFERENCES = {
  containerId: "${yandex_serverless_container.Worker.id}",
  invokerId: "${yandex_iam_service_account.Invoker.id}",
  folderId: "${yandex_iam_service_account.Invoker.folder_id}",
};

describe("TimerTrigger", () => {
  test("creates nothing but an entry of output triggers with the defaults", () => {
    const stack = synthPlain((scope) => defineTimer(scope));

    expect(stack.output?.triggers?.value).toEqual({
      "shop-nightly": {
        kind: "timer",
        cron: "0 3 * * ? *",
        payload: "",
        ...REFERENCES,
        path: "/",
        trigger: "yc",
      },
    });
    expect(resources(stack, "yandex_function_trigger")).toEqual([]);
  });

  test("passes every option through to the entry", () => {
    const stack = synthPlain((scope) =>
      defineTimer(scope, {
        payload: '{"task": "clean"}',
        path: "/worker/",
        trigger: "terraform",
      }),
    );

    expect(stack.output?.triggers?.value).toEqual({
      "shop-nightly": {
        kind: "timer",
        cron: "0 3 * * ? *",
        payload: '{"task": "clean"}',
        ...REFERENCES,
        path: "/worker/",
        trigger: "terraform",
      },
    });
  });

  test("creates the same timer by Terraform, after the grant", () => {
    const stack = synthPlain((scope) =>
      defineTimer(scope, {
        payload: '{"task": "clean"}',
        path: "/worker/",
        trigger: "terraform",
      }),
    );

    expect(resources(stack, "yandex_function_trigger")).toEqual([
      {
        name: "shop-nightly",
        folder_id: REFERENCES.folderId,
        timer: { cron_expression: "0 3 * * ? *", payload: '{"task": "clean"}' },
        container: {
          id: REFERENCES.containerId,
          path: "/worker/",
          service_account_id: REFERENCES.invokerId,
        },
        depends_on: addresses(stack, "yandex_serverless_container_iam_binding"),
      },
    ]);
  });

  test("creates a timer without payload by Terraform", () => {
    const stack = synthPlain((scope) => defineTimer(scope, { trigger: "terraform" }));

    expect(resources(stack, "yandex_function_trigger")).toEqual([
      expect.objectContaining({
        timer: { cron_expression: "0 3 * * ? *" },
        container: {
          id: REFERENCES.containerId,
          path: "/",
          service_account_id: REFERENCES.invokerId,
        },
      }),
    ]);
  });

  test("keeps Terraform from reading a payload as a template", () => {
    const stack = synthPlain((scope) =>
      defineTimer(scope, { payload: "${a} %{if} $b", trigger: "terraform" }),
    );

    expect(stack.output?.triggers?.value).toMatchObject({
      "shop-nightly": { payload: "$${a} %%{if} $b" },
    });
    expect(resources(stack, "yandex_function_trigger")).toEqual([
      expect.objectContaining({
        timer: { cron_expression: "0 3 * * ? *", payload: "$${a} %%{if} $b" },
      }),
    ]);
  });

  test("leaves a payload that Terraform knows as it is", () => {
    const stack = synthPlain((scope) => {
      const { stringValue: payload } = new TerraformVariable(scope, "payload", {});
      defineTimer(scope, { payload });
    });

    expect(stack.output?.triggers?.value).toMatchObject({
      "shop-nightly": { payload: "${var.payload}" },
    });
  });

  test("grants the invoker to call", () => {
    const stack = synthPlain((scope) => defineTimer(scope));

    expect(resources(stack, "yandex_serverless_container_iam_binding")).toMatchObject([
      {
        container_id: REFERENCES.containerId,
        role: "serverless-containers.containerInvoker",
        members: [`serviceAccount:${REFERENCES.invokerId}`],
      },
    ]);
  });

  test("is reachable as defaultChild where Terraform makes it", () => {
    synthPlain((scope) => {
      const timer = defineTimer(scope, { trigger: "terraform" });

      expect(raw(timer).terraformResourceType).toBe("yandex_function_trigger");
    });
  });

  const name = "3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last";
  test.each<[string, Partial<TimerTriggerProps>, string]>([
    ["a name", { name: "-x-" }, `'name' is "-x-", allowed: ${name}. Rename the trigger.`],
    [
      "a schedule",
      { cron: "0 3 * * *" },
      "'cron' is \"0 3 * * *\", allowed: minutes hours day-of-month month day-of-week [year], in UTC. Write ? as day of month or as day of week, and only one of them.",
    ],
    [
      "a payload of 4097 characters",
      { payload: "ж".repeat(4097) },
      `'payload' is "${"ж".repeat(20)}…", allowed: up to 4096 characters, and it has 4097. Put what is longer in the database or a bucket, and pass its address.`,
    ],
    [
      "a path",
      { path: "worker" },
      '\'path\' is "worker", allowed: a path of a URL that starts with /, without query, fragment and spaces. Write it like "/worker/", other characters as %20.',
    ],
  ])("rejects %s", (_, props, message) => {
    expect(refusals((scope) => defineTimer(scope, props))).toEqual([`[app/Timer] ${message}`]);
  });

  test("rejects more triggers than a cloud has, those of queues included", () => {
    const messages = refusals((scope) => {
      raiseQuotas(scope, { triggers: 1 });
      TriggerOutput.of(scope).add("shop-tasks", {} as QueueTriggerSpec, scope);
      defineTimer(scope);
    });

    expect(messages).toEqual([
      "[app/Timer] 'triggers' is 2, allowed: at most 1 in one cloud. Remove triggers, or state a raised quota: quotas.triggers in config.ts.",
    ]);
  });

  test("accepts the ends of every range", () => {
    for (const props of [
      { name: "abc", payload: "" },
      // A character outside the basic plane is one, though JavaScript counts two.
      {
        name: "a".repeat(63),
        payload: "🐘".repeat(4096),
      },
    ]) {
      expect(refusals((scope) => defineTimer(scope, props))).toEqual([]);
    }
  });

  test("skips what is not known at synth", () => {
    const messages = refusals((scope) => {
      const { stringValue } = new TerraformVariable(scope, "value", {});
      defineTimer(scope, {
        name: stringValue,
        cron: stringValue,
        payload: stringValue,
        path: stringValue,
      });
    });

    expect(messages).toEqual([]);
  });
});

function defineTimer(scope: Construct, props: Partial<TimerTriggerProps> = {}): TimerTrigger {
  return new TimerTrigger(scope, "Timer", {
    name: "shop-nightly",
    cron: "0 3 * * ? *",
    container: new ServerlessContainer(scope, "Worker", {
      name: "shop-worker",
      image: `cr.yandex/crp1/shop@sha256:${"0".repeat(64)}`,
      account: new ServiceAccount(scope, "Runtime", { name: "shop-runtime" }),
    }),
    invoker: new ServiceAccount(scope, "Invoker", { name: "shop-invoker" }),
    ...props,
  });
}
