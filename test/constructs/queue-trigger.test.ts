import { TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { describe, expect, test } from "vitest";
import { raiseQuotas } from "../../constructs/_quotas.ts";
import { MessageQueue } from "../../constructs/message-queue.ts";
import { QueueTrigger, type QueueTriggerProps } from "../../constructs/queue-trigger.ts";
import { ServerlessContainer } from "../../constructs/serverless-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { grants, raw, refusals, resources, synthPlain } from "../support/synth.ts";

const REFERENCES = {
  queueArn: "${yandex_message_queue.Tasks.arn}",
  readerId: "${yandex_iam_service_account.Reader.id}",
  containerId: "${yandex_serverless_container.Worker.id}",
  invokerId: "${yandex_iam_service_account.Invoker.id}",
  folderId: "${yandex_iam_service_account.Invoker.folder_id}",
};

describe("QueueTrigger", () => {
  test("creates nothing but an entry of output triggers with the defaults", () => {
    const stack = synthPlain((scope) => defineTrigger(scope));

    expect(stack.output?.triggers?.value).toEqual({
      "shop-tasks": {
        kind: "queue",
        ...REFERENCES,
        path: "/",
        batchSize: 1,
        batchCutoffSeconds: 1,
        trigger: "yc",
      },
    });
    expect(resources(stack, "yandex_function_trigger")).toEqual([]);
  });

  test("passes every option through to the entry", () => {
    const stack = synthPlain((scope) =>
      defineTrigger(scope, {
        path: "/worker/",
        readerRole: "editor",
        batchSize: 10,
        batchCutoffSeconds: 20,
        trigger: "terraform",
      }),
    );

    expect(stack.output?.triggers?.value).toEqual({
      "shop-tasks": {
        kind: "queue",
        ...REFERENCES,
        path: "/worker/",
        batchSize: 10,
        batchCutoffSeconds: 20,
        trigger: "terraform",
      },
    });
    expect(grants(stack)).toContainEqual(expect.objectContaining({ role: "editor" }));
  });

  test("creates the same trigger by Terraform, with numbers as texts, after the grants", () => {
    const stack = synthPlain((scope) =>
      defineTrigger(scope, {
        path: "/worker/",
        batchSize: 5,
        batchCutoffSeconds: 2,
        trigger: "terraform",
      }),
    );

    expect(resources(stack, "yandex_function_trigger")).toEqual([
      {
        name: "shop-tasks",
        folder_id: REFERENCES.folderId,
        message_queue: {
          queue_id: REFERENCES.queueArn,
          service_account_id: REFERENCES.readerId,
          batch_size: "5",
          batch_cutoff: "2",
        },
        container: {
          id: REFERENCES.containerId,
          path: "/worker/",
          service_account_id: REFERENCES.invokerId,
        },
        depends_on: [
          "terraform_data.Rights",
          "yandex_serverless_container_iam_binding.Worker_Invokers",
        ],
      },
    ]);
  });

  test("waits for the grants of one account for both purposes once", () => {
    const stack = synthPlain((scope) => {
      const account = new ServiceAccount(scope, "Both", { name: "shop-both" });
      defineTrigger(scope, { reader: account, invoker: account, trigger: "terraform" });
    });

    const [trigger] = resources(stack, "yandex_function_trigger");
    expect(trigger?.depends_on).toHaveLength(2);
  });

  test("renders numbers that are known only to Terraform", () => {
    const stack = synthPlain((scope) => {
      const { numberValue } = new TerraformVariable(scope, "batch", {});
      defineTrigger(scope, {
        batchSize: numberValue,
        batchCutoffSeconds: numberValue,
        trigger: "terraform",
      });
    });

    expect(resources(stack, "yandex_function_trigger")).toEqual([
      expect.objectContaining({
        message_queue: expect.objectContaining({
          batch_size: "${var.batch}",
          batch_cutoff: "${var.batch}",
        }),
      }),
    ]);
  });

  test("has the queue hide a message for the container's timeout, the cutoff and a minute", () => {
    const stack = synthPlain((scope) => defineTrigger(scope, { batchCutoffSeconds: 20 }));

    expect(stack.resource?.yandex_message_queue?.Tasks).toMatchObject({
      visibility_timeout_seconds: 680,
    });
  });

  test("grants the reader to receive and the invoker to call", () => {
    const stack = synthPlain((scope) => defineTrigger(scope));

    expect(grants(stack)).toMatchObject([
      { role: "ymq.reader", member: `serviceAccount:${REFERENCES.readerId}` },
    ]);
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
      const trigger = defineTrigger(scope, { trigger: "terraform" });

      expect(raw(trigger).terraformResourceType).toBe("yandex_function_trigger");
    });
  });

  const name = "3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last";
  const path = "a path of a URL that starts with /, without query, fragment and spaces";
  const writePath = 'Write it like "/worker/", other characters as %20';
  test.each<[Partial<QueueTriggerProps>, string]>([
    [{ name: "no" }, `'name' is "no", allowed: ${name}. Rename the trigger.`],
    [{ name: "Shop" }, `'name' is "Shop", allowed: ${name}. Rename the trigger.`],
    [{ path: "worker" }, `'path' is "worker", allowed: ${path}. ${writePath}.`],
    [{ path: "/my worker" }, `'path' is "/my worker", allowed: ${path}. ${writePath}.`],
    [{ path: "/w?a=1" }, `'path' is "/w?a=1", allowed: ${path}. ${writePath}.`],
    [{ path: "/%zz" }, `'path' is "/%zz", allowed: ${path}. ${writePath}.`],
    [{ batchSize: 0 }, "'batchSize' is 0, allowed: 1 to 10 messages. Leave it out for 1."],
    [{ batchSize: 11 }, "'batchSize' is 11, allowed: 1 to 10 messages. Leave it out for 1."],
    [
      { batchCutoffSeconds: 0 },
      "'batchCutoffSeconds' is 0, allowed: 1 to 20 seconds. Leave it out for 1.",
    ],
    [
      { batchCutoffSeconds: 21 },
      "'batchCutoffSeconds' is 21, allowed: 1 to 20 seconds. Leave it out for 1.",
    ],
  ])("refuses %j", (props, message) => {
    expect(refusals((scope) => defineTrigger(scope, props))).toEqual([`[app/Trigger] ${message}`]);
  });

  test("rejects a FIFO queue", () => {
    const messages = refusals((scope) => {
      const queue = new MessageQueue(scope, "Ordered", { name: "shop.fifo", fifo: true });
      defineTrigger(scope, { queue });
    });

    expect(messages).toEqual([
      "[app/Trigger] 'queue' is \"app/Ordered\", allowed: a standard queue. Leave out fifo: triggers do not read FIFO queues.",
    ]);
  });

  test("rejects a second trigger on a queue, naming both", () => {
    const messages = refusals((scope) => {
      const props = define(scope);
      new QueueTrigger(scope, "First", props);
      new QueueTrigger(scope, "Second", { ...props, name: "shop-more" });
    });

    expect(messages).toEqual([
      '[app/Tasks] \'consumedBy\' is ["app/First","app/Second"], allowed: one trigger to a queue. Give one of app/First and app/Second a queue of its own.',
    ]);
  });

  test("rejects more triggers than a cloud has", () => {
    const messages = refusals((scope) => {
      raiseQuotas(scope, { triggers: 1 });
      const props = define(scope);
      new QueueTrigger(scope, "First", props);
      const queue = new MessageQueue(scope, "More", { name: "shop-more" });
      new QueueTrigger(scope, "Second", { ...props, queue, name: "shop-more" });
    });

    expect(messages).toEqual([
      "[app/Second] 'triggers' is 2, allowed: at most 1 in one cloud. Remove triggers, or state a raised quota: quotas.triggers in config.ts.",
    ]);
  });

  test("accepts the ends of every range", () => {
    for (const props of [
      { name: "abc", path: "/", batchSize: 1, batchCutoffSeconds: 1 },
      { name: "a".repeat(63), path: "/a-b_c/~d.e/%20/", batchSize: 10, batchCutoffSeconds: 20 },
    ]) {
      expect(refusals((scope) => defineTrigger(scope, props))).toEqual([]);
    }
  });

  test("skips what is not known at synth", () => {
    const messages = refusals((scope) => {
      const { stringValue, numberValue } = new TerraformVariable(scope, "value", {});
      defineTrigger(scope, {
        name: stringValue,
        path: stringValue,
        batchSize: numberValue,
        batchCutoffSeconds: numberValue,
      });
    });

    expect(messages).toEqual([]);
  });
});

function defineTrigger(scope: Construct, props: Partial<QueueTriggerProps> = {}): QueueTrigger {
  return new QueueTrigger(scope, "Trigger", { ...define(scope), ...props });
}

function define(scope: Construct): QueueTriggerProps {
  return {
    name: "shop-tasks",
    queue: new MessageQueue(scope, "Tasks", { name: "shop-tasks" }),
    container: new ServerlessContainer(scope, "Worker", {
      name: "shop-worker",
      image: `cr.yandex/crp1/shop@sha256:${"0".repeat(64)}`,
      account: new ServiceAccount(scope, "Runtime", { name: "shop-runtime" }),
      timeoutSeconds: 600,
    }),
    reader: new ServiceAccount(scope, "Reader", { name: "shop-reader" }),
    invoker: new ServiceAccount(scope, "Invoker", { name: "shop-invoker" }),
  };
}
