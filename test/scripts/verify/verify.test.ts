import { describe, expect, test } from "vitest";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import { findQueueKey, keyInState } from "../../../scripts/lib/cloud/queue-key.ts";
import type { DeployedApp } from "../../../scripts/lib/terraform/outputs.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import type { LiveTrigger, QueueRule } from "../../../scripts/lib/triggers/rules.ts";
import { compareRevision } from "../../../scripts/lib/verify/revision.ts";
import { compareTrigger } from "../../../scripts/lib/verify/triggers.ts";
import { formatFindings, verify } from "../../../scripts/lib/verify/verify.ts";
import { settings } from "../_settings.ts";
import { ACCESS, fakeSystem, type Routes } from "../_system.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const WANTED = { id: "bba", image: `cr.yandex/crp1/app@${DIGEST}`, fingerprint: "f1" };
const RULE: QueueRule = {
  kind: "queue",
  queueArn: "yrn:q",
  readerId: "ajereader",
  containerId: "bba",
  path: "/",
  invokerId: "ajeinvoker",
  batchSize: 1,
  batchCutoffSeconds: 1,
};
const APP: DeployedApp = {
  url: "https://shop.example.com",
  gateway: { id: "d5d", domain: "d5d.apigw.yandexcloud.net" },
  containers: { web: WANTED },
  queues: { url: "https://mq/tasks", deadLetterUrl: "https://mq/dead" },
  document_api_endpoint: "https://docapi",
  results_table: "celery",
  triggers: { tasks: { ...RULE, folderId: "b1g", trigger: "yc" } },
};
const REVISIONS =
  "GET https://serverless-containers.api.cloud.yandex.net/containers/v1/revisions?containerId=bba&pageSize=1000";
const TRIGGERS =
  "GET https://serverless-triggers.api.cloud.yandex.net/triggers/v1/triggers?folderId=b1g&pageSize=1000";
const GATEWAY = "GET https://d5d.apigw.yandexcloud.net/";
const SECRETS =
  "GET https://lockbox.api.cloud.yandex.net/lockbox/v1/secrets?folderId=b1g&pageSize=1000";
const GOOD: Routes = {
  [REVISIONS]: {
    body: { revisions: [{ id: "old", status: "OBSOLETE", image: {} }, revision(DIGEST, "f1")] },
  },
  [TRIGGERS]: {
    body: {
      triggers: [
        {
          id: "a1s",
          name: "tasks",
          status: "ACTIVE",
          rule: {
            messageQueue: {
              queueId: "yrn:q",
              serviceAccountId: "ajereader",
              batchSettings: { size: "1", cutoff: "1s" },
              invokeContainer: { containerId: "bba", path: "/", serviceAccountId: "ajeinvoker" },
            },
          },
        },
      ],
    },
  },
  [GATEWAY]: {},
  "POST https://mq/dead": { body: count(0) },
  [SECRETS]: { body: {} },
};

describe("verify", () => {
  test("finds nothing wrong", async () => {
    const { findings, system } = await look();

    expect(formatFindings(findings)).toEqual([
      "✔ web: active revision  rev, image sha256:aaaaaaaaaaaa",
      "✔ gateway               https://d5d.apigw.yandexcloud.net answers 200",
      "✔ trigger tasks         active",
      "✔ dead letters          none",
      "✔ leftovers             none",
    ]);
    const asked = system.sent.find(({ request }) => request === "POST https://mq/dead");
    expect(asked?.init?.body).toBe(
      "Action=GetQueueAttributes&Version=2012-11-05&QueueUrl=https%3A%2F%2Fmq%2Fdead&AttributeName.1=All",
    );
    expect(JSON.stringify([system.ran, system.said, findings])).not.toContain("queue-secret");
  });

  test.each<[string, Routes, RegExp]>([
    [
      "a gateway that fails",
      { [GATEWAY]: { status: 502 } },
      /✖ gateway .* answers 502\n.*npm run logs -- --container web/,
    ],
    [
      "a revision that nobody may see",
      { [REVISIONS]: { status: 403, body: { message: "no" } } },
      /✖ web: active revision +serverless-containers answered 403: no/,
    ],
    [
      "triggers that nobody may see",
      { [TRIGGERS]: { status: 403, body: { message: "no" } } },
      /✖ triggers +serverless-triggers answered 403: no/,
    ],
    [
      "dead letters",
      { "POST https://mq/dead": { body: count(3) } },
      /✖ dead letters +3 messages\n +Tasks have failed too often/,
    ],
    [
      "a queue that nobody may see",
      {
        "POST https://mq/dead": {
          status: 403,
          body: "<ErrorResponse><Error><Code>AccessDeniedException</Code><Message>Access denied</Message></Error></ErrorResponse>",
        },
      },
      /✖ dead letters +Message Queue, GetQueueAttributes: AccessDeniedException: Access denied \(403\)/,
    ],
    [
      "secrets that nobody may list",
      { [SECRETS]: { status: 403, body: { message: "no" } } },
      /✖ leftovers +lockbox answered 403: no/,
    ],
  ])("finds %s", async (_, routes, lines) => {
    const { findings } = await look(routes);

    expect(formatFindings(findings).join("\n")).toMatch(lines);
    expect(findings.filter(({ ok }) => !ok)).toHaveLength(1);
  });

  test.each([
    [{ release: "migrate --noinput" }, true, ["migrations"]],
    [{ postgres: {}, release: false }, true, ["migrations"]],
    // A deploy has just run them.
    [{ release: "migrate --noinput" }, false, []],
    [{ release: "check" }, true, []],
    [{ manage: {} }, true, []],
  ])("with %j looks at migrations if asked (%s)", async (config, migrations, checks) => {
    const manage = { url: "https://manage/", caller: "userAccount:aje1" };
    const routes = { "POST https://manage/": { headers: { "X-Task-Exit-Code": "0" }, body: "" } };
    const { findings } = await look(routes, { ...APP, manage }, { config, migrations });

    const found = findings.map(({ check }) => check).filter((check) => check === "migrations");
    expect(found).toEqual(checks);
    expect(findings.every(({ ok }) => ok)).toBe(true);
  });

  test("waits for a gateway that starts", async () => {
    const { findings } = await look({ [GATEWAY]: [{ status: 503 }, { status: 404 }] });

    expect(findings.every(({ ok }) => ok)).toBe(true);
  });

  test("asks the site's own domain once it is attached, and does not make much of its records", async () => {
    const domain = { fqdn: "shop.example.com", attached: true, status: "ISSUED", records: [] };
    const { findings } = await look({}, { ...APP, domain });

    expect(findings.find(({ check }) => check === "domain")).toEqual({
      check: "domain",
      ok: false,
      found: "shop.example.com cannot be reached. Check the network.",
      fix: "Check the domain's CNAME record; `npm run outputs` shows the wanted one.",
      minor: true,
    });
  });

  test("looks at the dead letters of every queue", async () => {
    const further = {
      heavy: { url: "https://mq/heavy", deadLetterUrl: "https://mq/heavy-dead" },
      mail: { url: "https://mq/mail", deadLetterUrl: "https://mq/mail-dead" },
    };
    const app = { ...APP, queues: { ...APP.queues, further } };
    const counts = (tasks: number, mail: number) => ({
      "POST https://mq/dead": { body: count(tasks) },
      "POST https://mq/heavy-dead": { body: count(0) },
      "POST https://mq/mail-dead": { body: count(mail) },
    });
    const found = async (routes: Routes) =>
      (await look(routes, app)).findings.find(({ check }) => check === "dead letters");

    expect(await found(counts(0, 0))).toMatchObject({ ok: true, found: "none" });
    expect(await found(counts(3, 2))).toMatchObject({
      ok: false,
      minor: true,
      found: "3 messages of queue default, 2 messages of queue mail",
    });
  });

  test("knows a queue without dead letters", async () => {
    const { findings } = await look({}, { ...APP, queues: { url: "https://mq/tasks" } });

    expect(findings.at(-2)).toEqual({
      check: "dead letters",
      ok: true,
      found: "no dead-letter queue",
    });
  });
});

describe("compareRevision", () => {
  test.each([
    [undefined, "none"],
    [
      revision(`sha256:${"b".repeat(64)}`, "f1"),
      "image sha256:bbbbbbbbbbbb instead of sha256:aaaaaaaaaaaa",
    ],
    [revision(DIGEST, "f0"), "settings other than the deployed ones"],
  ])("minds %j", (active, found) => {
    expect(compareRevision("web", WANTED, active)).toEqual({
      check: "web: active revision",
      ok: false,
      found,
      fix: "Run `npm run deploy` again.",
    });
  });
});

describe("compareTrigger", () => {
  const NOW = Date.parse("2026-01-02T03:04:05Z");
  const live: LiveTrigger = { id: "1", name: "tasks", status: "ACTIVE", labels: {}, rule: RULE };

  test.each<[string, "yc" | "terraform", LiveTrigger[], string, string]>([
    ["missing", "yc", [], "missing", "Run `npm run trigger`."],
    ["missing from Terraform", "terraform", [], "missing", "Run `npm run deploy`."],
    [
      "paused",
      "yc",
      [{ ...live, status: "PAUSED" }],
      "paused",
      "Run `npm run trigger -- --resume`.",
    ],
    [
      "on another container",
      "yc",
      [{ ...live, rule: { ...RULE, containerId: "old" } }],
      "differs in containerId",
      "Run `npm run trigger`.",
    ],
    [
      "on another queue",
      "yc",
      [{ ...live, rule: { ...RULE, queueArn: "old" } }],
      "differs in queueArn",
      "Run `npm run trigger`.",
    ],
  ])("minds a trigger that is %s", (_, trigger, found, words, fix) => {
    expect(compareTrigger("tasks", { ...RULE, folderId: "b1g", trigger }, found, NOW)).toEqual({
      check: "trigger tasks",
      ok: false,
      found: words,
      fix,
      // Somebody has paused it on purpose, which is no fault of a deploy.
      ...(words === "paused" && { minor: true }),
    });
  });

  test.each([
    [4, "active, new: it may take 5 minutes to work"],
    [6, "active"],
  ])("says of one made %i minutes ago that it is %s", (minutes, found) => {
    const createdAt = new Date(NOW - minutes * 60_000).toISOString();
    const spec = { ...RULE, folderId: "b1g", trigger: "yc" } as const;

    expect(compareTrigger("tasks", spec, [{ ...live, createdAt }], NOW)).toEqual({
      check: "trigger tasks",
      ok: true,
      found,
    });
  });
});

const NO_STATE = () => Promise.reject(new Error("the state is not needed"));

describe("the key for the queues", () => {
  const key = "yandex_iam_service_account_static_access_key";

  test("is the one whose secret the state holds", () => {
    const resources = [
      {
        address: "",
        type: "yandex_message_queue",
        attributes: { access_key: "no", secret_key: "no" },
      },
      { address: "", type: key, attributes: { access_key: "", secret_key: "" } },
      { address: "", type: key, attributes: { access_key: "runtime", secret_key: null } },
      { address: "", type: key, attributes: { access_key: "id", secret_key: "secret" } },
    ];

    expect(keyInState(resources)).toEqual({ accessKeyId: "id", secretAccessKey: "secret" });
    expect(keyInState([])).toBeUndefined();
  });

  test("comes from the environment by config", async () => {
    const env = { YC_MESSAGE_QUEUE_ACCESS_KEY: "id", YC_MESSAGE_QUEUE_SECRET_KEY: "secret" };
    const system = fakeSystem({ env });

    expect(await findQueueKey(system, NO_STATE, { queueKey: "environment" })).toEqual({
      accessKeyId: "id",
      secretAccessKey: "secret",
    });
    await expect(findQueueKey(fakeSystem(), NO_STATE, { queueKey: "environment" })).rejects.toThrow(
      "No key for the queues. Set YC_MESSAGE_QUEUE_ACCESS_KEY and YC_MESSAGE_QUEUE_SECRET_KEY.",
    );
  });
});

async function look(
  routes: Routes = {},
  app: DeployedApp = APP,
  { config = {}, migrations = false } = {},
) {
  const state = {
    resources: [
      {
        mode: "managed",
        type: "yandex_iam_service_account_static_access_key",
        name: "Key",
        instances: [{ attributes: { access_key: "queue-key", secret_key: "queue-secret" } }],
      },
    ],
  };
  const system = fakeSystem({
    routes: { ...GOOD, ...routes },
    commands: { "terraform -chdir=cdktf.out/stacks/app state pull": JSON.stringify(state) },
  });
  const session = {
    system,
    settings: settings(config),
    access: ACCESS,
    api: new CloudApi(system, ACCESS),
    folderId: "b1g",
    terraform: new Terraform(system, { stage: undefined, env: {} }),
  };
  return { system, findings: await verify(session, app, { migrations }) };
}

function revision(imageDigest: string, REVISION_FINGERPRINT: string) {
  return {
    id: "rev",
    status: "ACTIVE",
    image: { imageDigest, environment: { REVISION_FINGERPRINT } },
  };
}

function count(messages: number): string {
  const value = `<Name>ApproximateNumberOfMessages</Name><Value>${messages}</Value>`;
  return `<R><GetQueueAttributesResult><Attribute>${value}</Attribute></GetQueueAttributesResult></R>`;
}
