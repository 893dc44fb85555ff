import { describe, expect, test } from "vitest";
import { accessOf } from "../../../scripts/lib/cloud/access.ts";
import { triggerClient } from "../../../scripts/lib/triggers/client.ts";
import type { TriggerChange } from "../../../scripts/lib/triggers/plan.ts";
import { parseLiveTriggers, seconds } from "../../../scripts/lib/triggers/rules.ts";
import { ACCESS, bodyOf, fakeSystem } from "../_system.ts";

const NO_LOGIN = accessOf(fakeSystem());
const LABELS = { "managed-by": "shop", stage: "default" };
const QUEUE_RULE = {
  kind: "queue",
  queueArn: "yrn:q",
  readerId: "ajereader",
  containerId: "bba",
  path: "/run",
  invokerId: "ajeinvoker",
  batchSize: 1,
  batchCutoffSeconds: 1,
} as const;
const TIMER_RULE = {
  kind: "timer",
  cron: "0 3 * * ? *",
  payload: '{"task": 1}',
  containerId: "bba",
  path: "/",
  invokerId: "ajeinvoker",
} as const;
const LIVE_QUEUE = {
  id: "a1s",
  folder_id: "b1g",
  name: "tasks",
  labels: { "managed-by": "shop", my_label: "x" },
  rule: {
    message_queue: {
      queue_id: "yrn:q",
      service_account_id: "ajereader",
      batch_settings: { size: "1", cutoff: "1s" },
      invoke_container: { container_id: "bba", path: "/run", service_account_id: "ajeinvoker" },
    },
  },
  status: "ACTIVE",
};
const LIVE = parseLiveTriggers([LIVE_QUEUE]);
const LIST = "list --folder-id b1g --format json --no-browser";
const CREATE: TriggerChange = {
  action: "create",
  name: "tasks",
  rule: QUEUE_RULE,
  labels: LABELS,
  paused: false,
};
const UPDATE = {
  action: "update",
  trigger: LIVE[0] as never,
  name: "tasks",
  rule: QUEUE_RULE,
  labels: LABELS,
  fields: [],
} as const;

describe("triggerClient with yc", () => {
  test("lists by the versioned tree and stays there", async () => {
    const system = fakeSystem({
      commands: {
        [`yc serverless trigger v1 ${LIST}`]: JSON.stringify([LIVE_QUEUE]),
        "yc serverless trigger v1 pause --id a1s --format json --no-browser": "{}",
      },
    });
    const client = triggerClient(system, NO_LOGIN, "b1g");

    const [trigger] = await client.list();
    await client.pause(trigger as never);

    expect(trigger).toEqual({
      id: "a1s",
      name: "tasks",
      status: "ACTIVE",
      labels: { "managed-by": "shop", my_label: "x" },
      rule: QUEUE_RULE,
    });
  });

  test.each([
    ["refuses the tree", { exitCode: 1, stderr: 'ERROR: unknown command "v1"' }],
    ["shows its help", { stdout: "Manage triggers\n\nUsage:" }],
  ])("falls back to the unversioned tree of an old yc that %s", async (_, answer) => {
    const system = fakeSystem({
      commands: {
        [`yc serverless trigger v1 ${LIST}`]: answer,
        [`yc serverless trigger ${LIST}`]: "[]",
        "yc serverless trigger resume --id a1s --format json --no-browser": "{}",
      },
    });
    const client = triggerClient(system, NO_LOGIN, "b1g");

    expect(await client.list()).toEqual([]);
    await client.resume(LIVE[0] as never);
  });

  test.each([
    [
      { exitCode: 1, stderr: "ERROR: rpc error: code = PermissionDenied desc = no\n\nid: 1" },
      "`yc serverless trigger v1 list` failed (exit code 1): ERROR: rpc error: code = PermissionDenied desc = no",
    ],
    [
      { exitCode: 124, stdout: "Authentication web site will be opened" },
      "Not logged in to Yandex Cloud. Run `yc init` first.",
    ],
  ])("passes on what yc says: %j", async (answer, message) => {
    const system = fakeSystem({ commands: { [`yc serverless trigger v1 ${LIST}`]: answer } });

    await expect(triggerClient(system, NO_LOGIN, "b1g").list()).rejects.toThrow(message);
  });

  test.each<[string, TriggerChange, string]>([
    [
      "creates a queue trigger",
      CREATE,
      "create message-queue --name tasks --labels managed-by=shop,stage=default --queue yrn:q --queue-service-account-id ajereader --batch-size 1 --batch-cutoff 1s --invoke-container-id bba --invoke-container-path /run --invoke-container-service-account-id ajeinvoker --folder-id b1g",
    ],
    [
      "updates a queue trigger",
      UPDATE,
      "update message-queue --id a1s --labels managed-by=shop,stage=default --new-queue yrn:q --new-queue-service-account-id ajereader --new-batch-size 1 --new-batch-cutoff 1s --new-invoke-container-id bba --new-invoke-container-path /run --new-invoke-container-service-account-id ajeinvoker",
    ],
    [
      "renames",
      { ...UPDATE, name: "new" },
      "update message-queue --id a1s --new-name new --labels managed-by=shop,stage=default --new-queue yrn:q --new-queue-service-account-id ajereader --new-batch-size 1 --new-batch-cutoff 1s --new-invoke-container-id bba --new-invoke-container-path /run --new-invoke-container-service-account-id ajeinvoker",
    ],
    [
      "creates a timer",
      { ...CREATE, rule: TIMER_RULE },
      'create timer --name tasks --labels managed-by=shop,stage=default --cron-expression 0 3 * * ? * --payload {"task": 1} --invoke-container-id bba --invoke-container-path / --invoke-container-service-account-id ajeinvoker --folder-id b1g',
    ],
    [
      "creates a bare timer",
      { ...CREATE, rule: { ...TIMER_RULE, payload: "" } },
      "create timer --name tasks --labels managed-by=shop,stage=default --cron-expression 0 3 * * ? * --invoke-container-id bba --invoke-container-path / --invoke-container-service-account-id ajeinvoker --folder-id b1g",
    ],
    [
      "updates a timer",
      { ...UPDATE, rule: TIMER_RULE },
      'update timer --id a1s --labels managed-by=shop,stage=default --new-cron-expression 0 3 * * ? * --new-payload {"task": 1} --new-invoke-container-id bba --new-invoke-container-path / --new-invoke-container-service-account-id ajeinvoker',
    ],
    ["deletes", { action: "delete", trigger: LIVE[0] as never }, "delete --id a1s"],
  ])("%s", async (_, change, args) => {
    const system = fakeSystem({
      commands: { [`yc serverless trigger v1 ${args} --format json --no-browser`]: "{}" },
    });

    await triggerClient(system, NO_LOGIN, "b1g").apply(change);

    expect(system.options).toEqual([{ env: {}, timeoutSeconds: 120 }]);
  });
});

const BASE = "https://serverless-triggers.api.cloud.yandex.net/triggers/v1/triggers";
const DONE = { body: { id: "op1", done: true } };

describe("triggerClient with a token", () => {
  test("lists all pages", async () => {
    const system = fakeSystem({
      routes: {
        [`GET ${BASE}?folderId=b1g&pageSize=1000`]: {
          body: { triggers: [{ id: "1", rule: {} }], nextPageToken: "p2" },
        },
        [`GET ${BASE}?folderId=b1g&pageSize=1000&pageToken=p2`]: {
          body: { triggers: [{ id: "2", rule: {} }] },
        },
      },
    });

    expect((await triggerClient(system, ACCESS, "b1g").list()).map(({ id }) => id)).toEqual([
      "1",
      "2",
    ]);
    expect(system.sent[0]?.init?.headers).toEqual({ authorization: "Bearer t1.token" });
  });

  test.each<[string, TriggerChange, string, unknown]>([
    [
      "creates",
      CREATE,
      `POST ${BASE}`,
      {
        folderId: "b1g",
        name: "tasks",
        labels: LABELS,
        rule: {
          messageQueue: {
            queueId: "yrn:q",
            serviceAccountId: "ajereader",
            batchSettings: { size: "1", cutoff: "1s" },
            invokeContainer: { containerId: "bba", path: "/run", serviceAccountId: "ajeinvoker" },
          },
        },
      },
    ],
    [
      "updates",
      { ...UPDATE, rule: TIMER_RULE },
      `PATCH ${BASE}/a1s`,
      {
        updateMask: "name,labels,rule",
        name: "tasks",
        labels: LABELS,
        rule: {
          timer: {
            cronExpression: "0 3 * * ? *",
            payload: '{"task": 1}',
            invokeContainerWithRetry: {
              containerId: "bba",
              path: "/",
              serviceAccountId: "ajeinvoker",
            },
          },
        },
      },
    ],
    ["deletes", { action: "delete", trigger: LIVE[0] as never }, `DELETE ${BASE}/a1s`, undefined],
  ])("%s", async (_, change, request, body) => {
    const system = fakeSystem({ routes: { [request]: DONE } });

    await triggerClient(system, ACCESS, "b1g").apply(change);

    expect(system.sent.map(({ init }) => bodyOf(init))).toEqual([body]);
    expect(system.ran).toEqual([]);
  });

  test("pauses and resumes, and waits for the operations", async () => {
    const operations = "https://operation.api.cloud.yandex.net/operations/op1";
    const system = fakeSystem({
      routes: {
        [`POST ${BASE}/a1s:pause`]: { body: { id: "op1", done: false } },
        [`POST ${BASE}/a1s:resume`]: DONE,
        [`GET ${operations}`]: [{ body: { id: "op1" } }, DONE],
      },
    });
    const client = triggerClient(system, ACCESS, "b1g");

    await client.pause(LIVE[0] as never);
    await client.resume(LIVE[0] as never);

    expect(system.sent.map(({ request }) => request)).toEqual([
      `POST ${BASE}/a1s:pause`,
      `GET ${operations}`,
      `GET ${operations}`,
      `POST ${BASE}/a1s:resume`,
    ]);
  });

  test("fails with the operation", async () => {
    const failed = {
      body: { id: "op1", done: true, error: { code: 9, message: "queue is taken" } },
    };
    const system = fakeSystem({ routes: { [`POST ${BASE}`]: failed } });

    await expect(triggerClient(system, ACCESS, "b1g").apply(CREATE)).rejects.toThrow(
      "serverless-triggers: queue is taken",
    );
  });
});

describe("parseLiveTriggers", () => {
  test("reads both spellings alike, and what is left out as empty", () => {
    const camel = {
      id: "a1s",
      rule: {
        timer: {
          cronExpression: "0 3 * * ? *",
          invokeContainerWithRetry: { containerId: "bba", serviceAccountId: "ajeinvoker" },
        },
      },
    };
    const snake = {
      id: "a1s",
      rule: {
        timer: {
          cron_expression: "0 3 * * ? *",
          invoke_container_with_retry: { container_id: "bba", service_account_id: "ajeinvoker" },
        },
      },
    };

    expect(parseLiveTriggers([camel])).toEqual(parseLiveTriggers([snake]));
    expect(parseLiveTriggers([camel])[0]?.rule).toEqual({
      ...TIMER_RULE,
      payload: "",
    });
  });

  test("keeps triggers of other kinds without a rule", () => {
    const mail = { id: "1", rule: { mail: {} } };
    const functions = { id: "2", rule: { timer: { cron_expression: "x", invoke_function: {} } } };

    expect(parseLiveTriggers([mail, functions]).map(({ rule }) => rule)).toEqual([
      undefined,
      undefined,
    ]);
    expect(parseLiveTriggers(null)).toEqual([]);
  });
});

test.each([
  ["10s", 10],
  ["1m0s", 60],
  ["1h2m3s", 3723],
  ["0s", 0],
])("%s are %i seconds", (text, expected) => {
  expect(seconds(text)).toBe(expected);
});
