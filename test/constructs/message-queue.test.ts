import { TerraformOutput, type TerraformStack, TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { describe, expect, test } from "vitest";
import { raiseQuotas } from "../../constructs/_quotas.ts";
import { collectRefusals } from "../../constructs/_refusal.ts";
import { MessageQueue } from "../../constructs/message-queue.ts";
import { checkMessageQueue, type MessageQueueProps } from "../../constructs/message-queue-props.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { StaticKey } from "../../constructs/static-key.ts";
import { addresses, grants, refusals, resources, synthPlain } from "../support/synth.ts";

const REDRIVE_TO_DEAD_LETTERS =
  '${jsonencode({"deadLetterTargetArn" = yandex_message_queue.Tasks_DeadLetters.arn, "maxReceiveCount" = 10})}';

describe("MessageQueue", () => {
  test("creates a standard queue, and one for what failed ten times", () => {
    const stack = synthPlain((scope) => defineQueue(scope));

    expect(stack.resource?.yandex_message_queue).toEqual({
      Tasks_DeadLetters: expect.objectContaining({
        name: "shop-tasks-dead",
        message_retention_seconds: 1_209_600,
      }),
      Tasks: expect.objectContaining({
        name: "shop-tasks",
        redrive_policy: REDRIVE_TO_DEAD_LETTERS,
      }),
    });
    expect(resources(stack, "yandex_message_queue").map((queue) => Object.keys(queue))).toEqual(
      expect.arrayContaining([
        ["message_retention_seconds", "name"],
        ["name", "redrive_policy"],
      ]),
    );
  });

  test("passes every option through", () => {
    const stack = synthPlain((scope) =>
      defineQueue(scope, {
        name: "shop-tasks.fifo",
        visibilityTimeoutSeconds: 300,
        retentionSeconds: 86_400,
        fifo: true,
        deadLetters: { maxReceiveCount: 3 },
      }),
    );

    expect(resources(stack, "yandex_message_queue")).toEqual(
      expect.arrayContaining([
        { name: "shop-tasks-dead.fifo", fifo_queue: true, message_retention_seconds: 1_209_600 },
        {
          name: "shop-tasks.fifo",
          visibility_timeout_seconds: 300,
          message_retention_seconds: 86_400,
          fifo_queue: true,
          redrive_policy: REDRIVE_TO_DEAD_LETTERS.replace("10", "3"),
        },
      ]),
    );
  });

  test("goes without dead letters where told so", () => {
    const stack = synthPlain((scope) => {
      const queue = new MessageQueue(scope, "Tasks", { name: "shop-tasks", deadLetters: false });

      expect(queue.deadLetterQueue).toBeUndefined();
    });

    expect(resources(stack, "yandex_message_queue")).toEqual([{ name: "shop-tasks" }]);
  });

  test("takes a default where an option is there but undefined", () => {
    const stack = synthPlain((scope) =>
      defineQueue(scope, {
        deadLetters: { maxReceiveCount: undefined },
      }),
    );

    expect(resources(stack, "yandex_message_queue")).toEqual(
      expect.arrayContaining([
        { name: "shop-tasks-dead", message_retention_seconds: 1_209_600 },
        { name: "shop-tasks", redrive_policy: REDRIVE_TO_DEAD_LETTERS },
      ]),
    );
  });

  test("hides a message for as long as its consumer may have it, and a minute", () => {
    const stack = synthPlain((scope) => {
      const queue = defineQueue(scope);
      queue.consumedBy({
        timeoutSeconds: 600,
        cutoffSeconds: 5,
        by: new Construct(scope, "Worker"),
      });
    });

    expect(stack.resource?.yandex_message_queue?.Tasks).toMatchObject({
      visibility_timeout_seconds: 665,
    });
  });

  test("adds up a consumer's timeout that is not known before the apply", () => {
    const stack = synthPlain((scope) => {
      const timeout = new TerraformVariable(scope, "timeout", {});
      const by = new Construct(scope, "Worker");
      defineQueue(scope).consumedBy({ timeoutSeconds: timeout.numberValue, cutoffSeconds: 1, by });
    });

    expect(stack.resource?.yandex_message_queue?.Tasks).toMatchObject({
      visibility_timeout_seconds: "${((var.timeout + 1) + 60)}",
    });
  });

  test("keeps a visibility timeout that was given, whatever consumes the queue", () => {
    const stack = synthPlain((scope) => {
      const queue = defineQueue(scope, { visibilityTimeoutSeconds: 900 });
      queue.consumedBy({
        timeoutSeconds: 600,
        cutoffSeconds: 1,
        by: new Construct(scope, "Worker"),
      });
    });

    expect(stack.resource?.yandex_message_queue?.Tasks).toMatchObject({
      visibility_timeout_seconds: 900,
    });
  });

  test("makes both queues with the key it is given, after the grants of the key's account", () => {
    const stack = synthPlain((scope) => {
      const account = new ServiceAccount(scope, "QueueAccount", { name: "shop-queues" });
      account.grantOnFolder("ymq.admin");
      defineQueue(scope, { key: new StaticKey(scope, "Key", { account }) });
    });

    const key = {
      access_key: "${yandex_iam_service_account_static_access_key.Key.access_key}",
      secret_key: "${yandex_iam_service_account_static_access_key.Key.secret_key}",
      depends_on: addresses(stack, "terraform_data"),
    };
    expect(grants(stack)).toHaveLength(1);
    expect(stack.resource?.yandex_message_queue).toEqual({
      Tasks_DeadLetters: expect.objectContaining(key),
      Tasks: expect.objectContaining(key),
    });
  });

  test.each<[string, (queue: MessageQueue, account: ServiceAccount) => void, string]>([
    ["sending", (queue, account) => queue.grantSend(account), "ymq.writer"],
    ["receiving", (queue, account) => queue.grantReceive(account), "ymq.reader"],
    ["receiving by a role", (queue, account) => queue.grantReceive(account, "editor"), "editor"],
  ])("grants %s on the folder", (_, grant, role) => {
    const stack = synthPlain((scope) => {
      const account = ServiceAccount.fromId(scope, "App", { accountId: "aje1", folderId: "b1g1" });
      grant(defineQueue(scope), account);
    });

    expect(grants(stack)).toEqual([
      expect.objectContaining({ folder_id: "b1g1", role, member: "serviceAccount:aje1" }),
    ]);
  });

  test("is known by URL, ARN and name", () => {
    const stack = synthPlain((scope) => {
      const { url, arn, name, fifo } = defineQueue(scope);
      new TerraformOutput(scope, "known", { value: { url, arn, name, fifo } });
    });

    expect(stack.output?.known?.value).toEqual({
      url: "${yandex_message_queue.Tasks.id}",
      arn: "${yandex_message_queue.Tasks.arn}",
      name: "shop-tasks",
      fifo: false,
    });
  });

  test("is reachable as defaultChild", () => {
    synthPlain((scope) => {
      const queue = new MessageQueue(scope, "Tasks", { name: "shop-tasks" });

      expect(queue.node.defaultChild).toBe(queue.node.findChild("Resource"));
      expect(queue.node.defaultChild).toBeDefined();
    });
  });

  const long = "q".repeat(76);
  test.each<[Partial<MessageQueueProps>, string]>([
    [
      { name: "shop tasks" },
      "'name' is \"shop tasks\", allowed: 1 to 80 letters, digits, hyphens and underscores. Rename the queue.",
    ],
    [
      { name: "q".repeat(81), deadLetters: false },
      `'name' is "${"q".repeat(81)}", allowed: 1 to 80 letters, digits, hyphens and underscores. Rename the queue.`,
    ],
    [
      { name: long },
      `'name' is "${long}", allowed: 5 characters less than 80, because the queue of dead letters adds -dead. Shorten the name, or set deadLetters to false.`,
    ],
    [
      { name: "tasks.fifo" },
      "'name' is \"tasks.fifo\", allowed: a name that does not end in .fifo. Remove .fifo, or set fifo.",
    ],
    [
      { name: "tasks", fifo: true },
      "'name' is \"tasks\", allowed: a name that ends in .fifo. Append .fifo, or leave out fifo.",
    ],
    [
      { retentionSeconds: 59 },
      "'retentionSeconds' is 59, allowed: 60 to 1209600 seconds (14 days). Leave it out for 4 days.",
    ],
    [
      { retentionSeconds: 1_209_601 },
      "'retentionSeconds' is 1209601, allowed: 60 to 1209600 seconds (14 days). Leave it out for 4 days.",
    ],
    [
      { visibilityTimeoutSeconds: 43_201 },
      "'visibilityTimeoutSeconds' is 43201, allowed: 0 to 43200 seconds (12 hours). Leave it out to have it follow from the consumer's timeout.",
    ],
    [
      { deadLetters: { maxReceiveCount: 0 } },
      "'deadLetters.maxReceiveCount' is 0, allowed: 1 to 1000 deliveries. Leave it out for 10.",
    ],
    [
      { deadLetters: { maxReceiveCount: 1001 } },
      "'deadLetters.maxReceiveCount' is 1001, allowed: 1 to 1000 deliveries. Leave it out for 10.",
    ],
  ])("refuses %j", (props, message) => {
    expect(refusals((scope) => defineQueue(scope, props))).toEqual([`[app/Tasks] ${message}`]);
  });

  test("rejects a visibility timeout that is shorter than its consumer's", () => {
    const messages = refusals((scope) => {
      const queue = defineQueue(scope, { visibilityTimeoutSeconds: 660 });
      queue.consumedBy({
        timeoutSeconds: 600,
        cutoffSeconds: 1,
        by: new Construct(scope, "Worker"),
      });
    });

    expect(messages).toEqual([
      "[app/Tasks] 'visibilityTimeoutSeconds' is 660, allowed: at least 661 seconds, which is the timeout of app/Worker, its batch cutoff and 60. Leave it out: a message that shows up while it is worked on runs twice.",
    ]);
  });

  test("rejects a consumer that takes longer than a message can stay hidden", () => {
    const messages = refusals((scope) => {
      const by = new Construct(scope, "Worker");
      defineQueue(scope).consumedBy({ timeoutSeconds: 43_140, cutoffSeconds: 1, by });
    });

    expect(messages).toEqual([
      "[app/Tasks] 'visibilityTimeoutSeconds' is 43201, allowed: 0 to 43200 seconds (12 hours), also where it follows from the consumer. Shorten the timeout of app/Worker.",
    ]);
  });

  test("rejects a second consumer", () => {
    const messages = refusals((scope) => {
      const queue = defineQueue(scope);
      for (const id of ["First", "Second"]) {
        const by = new Construct(scope, id);
        queue.consumedBy({ timeoutSeconds: 60, cutoffSeconds: 1, by });
      }
    });

    expect(messages).toEqual([
      '[app/Tasks] \'consumedBy\' is ["app/First","app/Second"], allowed: one trigger to a queue. Give one of app/First and app/Second a queue of its own.',
    ]);
  });

  test("accepts the ends of every range", () => {
    const lowest: MessageQueueProps = {
      name: "q",
      visibilityTimeoutSeconds: 0,
      retentionSeconds: 60,
      deadLetters: { maxReceiveCount: 1 },
    };
    const highest: MessageQueueProps = {
      name: "q".repeat(75),
      visibilityTimeoutSeconds: 43_200,
      retentionSeconds: 1_209_600,
      deadLetters: { maxReceiveCount: 1000 },
    };

    for (const props of [lowest, highest]) {
      expect(collectRefusals((refuse) => checkMessageQueue(props, undefined, refuse))).toEqual([]);
    }
  });

  test("rejects more queues than a cloud has, those of dead letters included", () => {
    const build = (count: number) => (scope: TerraformStack) => {
      raiseQuotas(scope, { queues: 3 });
      for (let i = 0; i < count; i++) new MessageQueue(scope, `Q${i}`, { name: `shop-${i}` });
    };

    expect(refusals(build(1))).toEqual([]);
    expect(refusals(build(3))).toEqual([
      "[app/Q1] 'queues' is 6, allowed: at most 3 in one cloud. Remove queues, or state a raised quota: quotas.queues in config.ts.",
    ]);
  });

  test("skips what is not known at synth", () => {
    const messages = refusals((scope) => {
      const { stringValue, numberValue } = new TerraformVariable(scope, "value", {});
      const queue = defineQueue(scope, {
        name: stringValue,
        visibilityTimeoutSeconds: numberValue,
        retentionSeconds: numberValue,
        deadLetters: { maxReceiveCount: numberValue },
      });
      queue.consumedBy({ timeoutSeconds: 60, cutoffSeconds: 1, by: queue });
    });

    expect(messages).toEqual([]);
  });
});

function defineQueue(scope: Construct, props: Partial<MessageQueueProps> = {}): MessageQueue {
  return new MessageQueue(scope, "Tasks", { name: "shop-tasks", ...props });
}
