import { TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { describe, expect, test } from "vitest";
import { ServerlessContainer } from "../../constructs/serverless-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { TimerTrigger, type TimerTriggerProps } from "../../constructs/timer-trigger.ts";
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
        via: "yc",
      },
    });
    expect(resources(stack, "yandex_function_trigger")).toEqual([]);
  });

  test("passes every option through to the entry", () => {
    const stack = synthPlain((scope) =>
      defineTimer(scope, {
        payload: '{"task": "clean"}',
        path: "/worker/",
        retryAttempts: 3,
        retryIntervalSeconds: 30,
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
        retryAttempts: 3,
        retryIntervalSeconds: 30,
        via: "terraform",
      },
    });
  });

  test("creates the same timer by Terraform, with numbers as texts, after the grant", () => {
    const stack = synthPlain((scope) =>
      defineTimer(scope, {
        payload: '{"task": "clean"}',
        path: "/worker/",
        retryAttempts: 3,
        retryIntervalSeconds: 30,
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
          retry_attempts: "3",
          retry_interval: "30",
        },
        depends_on: addresses(stack, "yandex_serverless_container_iam_binding"),
      },
    ]);
  });

  test("creates a timer without payload and retries by Terraform", () => {
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

  test("repeats after 10 seconds where only the attempts are given", () => {
    const stack = synthPlain((scope) =>
      defineTimer(scope, { retryAttempts: 1, trigger: "terraform" }),
    );

    const retries = { retry_attempts: "1", retry_interval: "10" };
    expect(resources(stack, "yandex_function_trigger")).toEqual([
      expect.objectContaining({ container: expect.objectContaining(retries) }),
    ]);
    expect(stack.output?.triggers?.value).toMatchObject({
      "shop-nightly": { retryAttempts: 1, retryIntervalSeconds: 10 },
    });
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

  const name = "3 to 63 lower-case letters, digits and hyphens, a letter first, no hyphen last";
  test.each<[string, Partial<TimerTriggerProps>, string]>([
    ["a name", { name: "-x-" }, `'name' is "-x-", allowed: ${name}. Rename the trigger.`],
    [
      "a schedule",
      { cron: "0 3 * * *" },
      '\'cron\' is "0 3 * * *", allowed: minutes hours day-of-month month day-of-week [year], in UTC. Day of month and day of week cannot both be filled: write "0 3 * * ? *".',
    ],
    [
      "a payload of 4097 characters",
      { payload: "ж".repeat(4097) },
      `'payload' is "${"ж".repeat(20)}…", allowed: up to 4096 characters, and it has 4097. Put what is longer in the database or a bucket, and name its place.`,
    ],
    [
      "a path",
      { path: "worker" },
      '\'path\' is "worker", allowed: a path of a URL that starts with /, without query, fragment and spaces. Write it like "/worker/", other characters as %20.',
    ],
    [
      "no attempts",
      { retryAttempts: 0 },
      "'retryAttempts' is 0, allowed: 1 to 5 attempts. Leave it out to have a failed call forgotten.",
    ],
    [
      "too many attempts",
      { retryAttempts: 6 },
      "'retryAttempts' is 6, allowed: 1 to 5 attempts. Leave it out to have a failed call forgotten.",
    ],
    [
      "a short interval",
      { retryAttempts: 1, retryIntervalSeconds: 9 },
      "'retryIntervalSeconds' is 9, allowed: 10 to 60 seconds. Leave it out for 10.",
    ],
    [
      "a long interval",
      { retryAttempts: 1, retryIntervalSeconds: 61 },
      "'retryIntervalSeconds' is 61, allowed: 10 to 60 seconds. Leave it out for 10.",
    ],
    [
      "an interval of nothing",
      { retryIntervalSeconds: 10 },
      "'retryIntervalSeconds' is 10, allowed: a value only together with retryAttempts. Set retryAttempts, or leave both out.",
    ],
  ])("refuses %s", (_, props, message) => {
    expect(refusals((scope) => defineTimer(scope, props))).toEqual([`[app/Timer] ${message}`]);
  });

  test("accepts the ends of every range", () => {
    for (const props of [
      { name: "abc", payload: "", retryAttempts: 1, retryIntervalSeconds: 10 },
      // A character outside the basic plane is one, though JavaScript counts two.
      {
        name: "a".repeat(63),
        payload: "🐘".repeat(4096),
        retryAttempts: 5,
        retryIntervalSeconds: 60,
      },
    ]) {
      expect(refusals((scope) => defineTimer(scope, props))).toEqual([]);
    }
  });

  test("skips what is not known at synth", () => {
    const messages = refusals((scope) => {
      const { stringValue, numberValue } = new TerraformVariable(scope, "value", {});
      defineTimer(scope, {
        name: stringValue,
        cron: stringValue,
        payload: stringValue,
        path: stringValue,
        retryAttempts: numberValue,
        retryIntervalSeconds: numberValue,
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
