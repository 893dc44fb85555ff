import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Blueprint } from "../../../packages/local-cloud/stack/blueprint.ts";
import { queueUrl } from "../../../packages/local-cloud/stack/local-ids.ts";
import { readServices, readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import type { Config } from "../../../stacks/config-schema.ts";
import { ENDPOINTS, read, synthesize } from "./_synthesized.ts";

const scratch = mkdtempSync(join(tmpdir(), "stack-"));
const write = (name: string, text: string) => {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
};

const schedule = (cron: string, payload = "{}") =>
  write(
    `${cron.replaceAll(/\W/g, "_")}.json`,
    JSON.stringify({ version: 1, timers: [{ name: "nightly", cron, payload }] }),
  );

describe("readStack", () => {
  test("reads the usual layout", async () => {
    const blueprint = await read();

    expect(blueprint).toMatchObject({
      project: "shop",
      table: "celery",
      ports: { site: 8000, queue: 9324, tables: 8001 },
      queueTriggers: [
        {
          name: "shop-tasks",
          queue: "shop-tasks",
          container: "shop-worker",
          path: "/",
          batchSize: 1,
          batchCutoffSeconds: 1,
        },
      ],
      timers: [],
      gateways: [{ name: "shop-gateway", timeoutSeconds: 300 }],
      skipped: [],
    });
    expect(blueprint.queues).toEqual([
      {
        name: "shop-tasks-dead",
        visibilityTimeoutSeconds: 30,
        delaySeconds: 0,
        retentionSeconds: 1_209_600,
        maxMessageBytes: 262_144,
        receiveWaitSeconds: 0,
        tags: {},
      },
      expect.objectContaining({
        name: "shop-tasks",
        visibilityTimeoutSeconds: 661,
        redrive: { deadLetterQueue: "shop-tasks-dead", maxReceiveCount: 10 },
      }),
    ]);
  });

  test("gives further names of the hosts this machine's too", async () => {
    const { containers } = await read({ aliases: { DJANGO_ALLOWED_HOSTS: "ALLOWED_HOSTS" } });

    expect(containers.map(({ environment }) => environment.DJANGO_ALLOWED_HOSTS)).toEqual([
      ".apigw.yandexcloud.net,localhost,127.0.0.1,[::1]",
      ".apigw.yandexcloud.net,localhost,127.0.0.1,[::1]",
    ]);
  });

  test("reads further queues, with who executes their tasks and what containers know of them", async () => {
    const { queues, containers, queueTriggers, skipped } = await read({
      queues: { heavy: { worker: { memoryMib: 4096, timeoutSeconds: 3600 } }, low_prio: {} },
    });

    expect(queues.filter(({ redrive }) => redrive)).toMatchObject([
      { name: "shop-tasks-heavy", visibilityTimeoutSeconds: 3661 },
      { name: "shop-tasks-low-prio", visibilityTimeoutSeconds: 661 },
      { name: "shop-tasks", visibilityTimeoutSeconds: 661 },
    ]);
    expect(queueTriggers.map(({ queue, container }) => [queue, container])).toEqual([
      ["shop-tasks", "shop-worker"],
      ["shop-tasks-heavy", "shop-worker-heavy"],
      ["shop-tasks-low-prio", "shop-worker"],
    ]);
    expect(containers.find(({ name }) => name === "shop-worker-heavy")).toMatchObject({
      ...{ source: "examples/django-celery", healthPath: "/healthz" },
      ...{ memoryMib: 4096, timeoutSeconds: 3600 },
    });
    for (const { environment } of containers) {
      expect(JSON.parse(environment.SQS_QUEUES ?? "")).toEqual({
        heavy: queueUrl(ENDPOINTS.queue, "shop-tasks-heavy"),
        low_prio: queueUrl(ENDPOINTS.queue, "shop-tasks-low-prio"),
      });
    }
    expect(skipped).toEqual([]);
  });

  test("reads a bucket of uploads, whose name needs no state, and where it is served", async () => {
    const text = await synthesize({
      media: true,
      aliases: { AWS_S3_ENDPOINT_URL: "AWS_ENDPOINT_URL_S3" },
      env: { MANUAL: "https://storage.yandexcloud.net/manuals/a.pdf" },
    });
    const storage = "http://localhost:9000";
    const { media, containers, skipped } = readStack(text, { ...ENDPOINTS, storage });

    expect(media).toBe("shop-media-local");
    expect(readServices(text)).toMatchObject({ media, ports: { storage: 9000 } });
    expect(skipped).toEqual([]);
    for (const { environment } of containers) {
      expect(environment).toMatchObject({
        AWS_STORAGE_BUCKET_NAME: "shop-media-local",
        ...{ AWS_ENDPOINT_URL_S3: storage, AWS_S3_ENDPOINT_URL: storage },
        MANUAL: "https://storage.yandexcloud.net/manuals/a.pdf",
      });
    }
  });

  test("leaves the cloud's storage to who has a bucket of another stack", async () => {
    const AWS_ENDPOINT_URL_S3 = "https://storage.yandexcloud.net";
    const { media, containers } = await read({ env: { AWS_ENDPOINT_URL_S3 } });

    expect(media).toBeUndefined();
    expect(containers).toMatchObject([
      { environment: { AWS_ENDPOINT_URL_S3 } },
      { environment: { AWS_ENDPOINT_URL_S3 } },
    ]);
  });

  test("gives containers their sources and local addresses in place of the cloud's", async () => {
    const { containers } = await read();
    const worker = containers.find(({ name }) => name === "shop-worker");

    expect(containers.map(({ name }) => name)).toEqual(["shop-web", "shop-worker"]);
    expect(worker).toMatchObject({
      source: "examples/django-celery",
      dockerfile: "Dockerfile",
      command: ["python3", "-m", "celery_push_worker", "worker"],
      concurrency: 1,
      timeoutSeconds: 600,
      memoryMib: 512,
      healthPath: "/healthz",
      foreignSecrets: [],
    });
    expect(worker?.environment).toEqual({
      ALLOWED_HOSTS: ".apigw.yandexcloud.net,localhost,127.0.0.1,[::1]",
      AWS_DEFAULT_REGION: "ru-central1",
      AWS_ENDPOINT_URL_DYNAMODB: "http://localhost:8001",
      AWS_ENDPOINT_URL_SQS: "http://localhost:9324",
      CELERY_APP: "shop.celery:app",
      CELERY_BROKER_URL: "sqs://",
      CELERY_DYNAMODB_ENDPOINT_URL: "http://localhost:8001",
      CELERY_RESULT_BACKEND: "dynamodb://@ru-central1/celery?ttl_seconds=86400",
      DJANGO_DEBUG: "1",
      DJANGO_SETTINGS_MODULE: "shop.settings",
      GUNICORN_CMD_ARGS: "--config=python:celery_push_worker.gunicorn --workers=1",
      REVISION_FINGERPRINT: expect.stringMatching(/^[0-9a-f]{64}$/),
      SQS_QUEUE: queueUrl("http://localhost:9324", "shop-tasks"),
      SQS_REGION: "ru-central1",
      URL_SCHEME: "http",
    });
    expect(worker?.secrets).toEqual([
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "DJANGO_SECRET_KEY",
      "SQS_ACCESS_KEY_ID",
      "SQS_SECRET_ACCESS_KEY",
    ]);
  });

  test("knows which secrets nobody can make up", async () => {
    const secrets = {
      PINNED: { secretId: "e6q00000000000000001", versionId: "v1", key: "a" },
      CURRENT: { secretId: "e6q00000000000000002", key: "b" },
    };
    const { containers } = await read({ secrets });

    expect(containers[0]?.foreignSecrets).toEqual(["CURRENT", "PINNED"]);
    expect(containers[0]?.secrets).toContain("PINNED");
  });

  test("reads one container that is site and worker", async () => {
    const { containers, queueTriggers, gateways } = await read({ workerPath: "/worker/" });

    expect(containers).toMatchObject([{ name: "shop-web", healthPath: "/worker/healthz" }]);
    expect(queueTriggers).toMatchObject([{ container: "shop-web", path: "/worker/" }]);
    expect(JSON.parse(gateways[0]?.spec ?? "").paths).toHaveProperty("/worker");
  });

  test.each(["yc", "terraform"] as const)("reads triggers that %s makes", async (trigger) => {
    const blueprint = await read({ trigger, schedule: schedule("0 3 * * ? *", '{"n": "${x}"}') });

    expect(blueprint.queueTriggers).toHaveLength(1);
    expect(blueprint.timers).toEqual([
      {
        name: "shop-nightly",
        cron: "0 3 * * ? *",
        payload: '{"n": "${x}"}',
        container: "shop-worker",
        path: "/",
      },
    ]);
    expect(blueprint.skipped).toEqual([]);
  });

  test("reads routes with the names of containers and buckets in them", async () => {
    const openapi = write(
      "own.yaml",
      `openapi: "3.0.3"
info: { title: Shop, version: "1.0" }
x-yc-apigateway: { variables: { stage: { default: live } } }
paths:
  /:
    get: { responses: { "200": { description: "of \${var.stage}" } } }
`,
    );
    const [builtIn] = (await read({ staticBucket: "shop-static", stages: {} })).gateways;
    const [own] = (await read({ openapi })).gateways;
    const { paths } = JSON.parse(builtIn?.spec ?? "");

    expect(paths["/static/{file+}"].get["x-yc-apigateway-integration"]).toMatchObject({
      type: "object_storage",
      bucket: "shop-static",
    });
    expect(
      paths["/{proxy+}"]["x-yc-apigateway-any-method"]["x-yc-apigateway-integration"],
    ).toMatchObject({ container_id: "shop-web" });
    expect(own?.spec).toContain("of ${var.stage}");
    expect(own?.spec).toContain('"container_id":"shop-web"');
  });

  test("reads a stage, its own names and a queue whose key is the user's", async () => {
    const { project, queues } = await read({ queueKey: "environment" }, "production");

    expect(project).toBe("shop-production");
    expect(queues.map(({ name }) => name)).toContain("shop-production-tasks");
  });

  test("leaves the text of users alone", async () => {
    const { containers } = await read({ env: { GREETING: "${HOME} %{if} $5" } });

    expect(containers[0]?.environment.GREETING).toBe("${HOME} %{if} $5");
  });

  test("names each type that nothing imitates once, and containers without a source", async () => {
    const stack = JSON.parse(await synthesize());
    stack.resource.yandex_vpc_network = { One: { name: "a" }, Two: { name: "b" } };
    stack.resource.yandex_serverless_container.Extra = {
      ...stack.resource.yandex_serverless_container.Celery_Web_42E9225C,
      name: "shop-extra",
    };

    expect(readStack(JSON.stringify(stack), ENDPOINTS).skipped).toEqual([
      "yandex_serverless_container (shop-extra)",
      "yandex_vpc_network",
    ]);
  });

  test("names each FIFO queue, which is not emulated", async () => {
    const stack = JSON.parse(await synthesize());
    const before = readStack(JSON.stringify(stack), ENDPOINTS);
    stack.resource.yandex_message_queue.Ordered = { name: "shop-ordered.fifo", fifo_queue: true };
    const { queues, skipped } = readStack(JSON.stringify(stack), ENDPOINTS);

    expect(queues).toEqual(before.queues);
    expect(skipped).toEqual(["yandex_message_queue with fifo_queue (shop-ordered.fifo)"]);
  });

  test("reads a stack with a domain, whose certificate it skips", async () => {
    const dns = { zoneId: "dns00000000000000001", zone: "example.com" };
    const { containers, skipped } = await read({
      domain: { fqdn: "shop.example.com", dns },
      stages: {},
    });

    expect(containers[0]?.environment.ALLOWED_HOSTS).toContain("shop.example.com");
    expect(skipped).toEqual(["yandex_dns_recordset"]);
  });

  test.each(["", "[]", "{", '{"output": {}}'])("fails when the text is %j", (text) => {
    expect(() => readStack(text, ENDPOINTS)).toThrow("npm run synth");
  });
});

describe("a stack that was changed by hand", () => {
  test.each([
    ["output `containers`", "output.containers.value.web.id", 1],
    ["output `triggers`", "output.triggers.value.shop-tasks.kind", "odd"],
    ["output `local`", "output.local.value.ports.site", "8000"],
    ["container shop-web", "resource.yandex_serverless_container.Celery_Web_42E9225C.memory", {}],
    ["redrive policy", "resource.yandex_message_queue.Celery_Tasks_D6D00F28.redrive_policy", "no"],
  ])("fails when it has no readable %s, and says so", async (what, path, value) => {
    const stack = JSON.parse(await synthesize());
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    keys.reduce((inner, key) => inner[key], stack)[last] = value;

    expect(() => readStack(JSON.stringify(stack), ENDPOINTS)).toThrow(
      new RegExp(`^The synthesized stack has no readable ${what} .*npm run synth`),
    );
  });
});

describe("a release step", () => {
  test("is a command before the containers, and its container none of them", async () => {
    const { containers, releases, skipped } = await read({ release: "migrate --noinput" });
    const [release] = releases;

    expect(containers.map(({ name }) => name)).toEqual(["shop-web", "shop-worker"]);
    expect(release?.words).toEqual(["migrate", "--noinput"]);
    expect(release?.container).toMatchObject({
      name: "shop-manage",
      command: ["python3", "-m", "celery_push_worker", "manage"],
      environment: {
        DJANGO_SETTINGS_MODULE: "shop.settings",
        AWS_ENDPOINT_URL_SQS: ENDPOINTS.queue,
      },
    });
    expect(skipped).toEqual([]);
  });

  test("is not there for a container of commands alone", async () => {
    const { containers, releases } = await read({ manage: {} });

    expect(containers).toHaveLength(2);
    expect(releases).toEqual([]);
  });

  test("is followed by what fills the folder of static files", async () => {
    const stack = await synthesize({ staticBucket: "shop-static", release: "check" });
    const { releases, skipped } = readStack(stack, { ...ENDPOINTS, buckets: "file:///b" });

    expect(releases).toMatchObject([
      { words: ["check"], field: "release" },
      {
        words: ["upload-static"],
        field: "staticBucket",
        container: { environment: { STATIC_BUCKET_URL: "file:///b/shop-static" } },
      },
    ]);
    expect(skipped).toEqual([]);
  });

  test("fills no folder where there is none", async () => {
    expect((await read({ staticBucket: "shop-static" })).releases).toEqual([]);
  });
});

describe("readServices", () => {
  test("needs no addresses", async () => {
    expect(readServices(await synthesize())).toEqual({
      table: "celery",
      ports: { site: 8000, queue: 9324, tables: 8001 },
    });
  });
});

describe("a value changed in config.ts", () => {
  const worker = ({ containers }: Blueprint) => containers.find((c) => c.name === "shop-worker");
  const web = ({ containers }: Blueprint) => containers.find((c) => c.name === "shop-web");

  test.each<[string, Partial<Config>, (blueprint: Blueprint) => unknown, unknown, unknown]>([
    ["batch size", { batchSize: 7 }, (b) => b.queueTriggers[0]?.batchSize, 1, 7],
    ["cutoff", { batchCutoffSeconds: 5 }, (b) => b.queueTriggers[0]?.batchCutoffSeconds, 1, 5],
    ["timeout", { worker: { timeoutSeconds: 90 } }, (b) => worker(b)?.timeoutSeconds, 600, 90],
    [
      "timeout, which the queue follows",
      { worker: { timeoutSeconds: 90 } },
      (b) => b.queues.find(({ name }) => name === "shop-tasks")?.visibilityTimeoutSeconds,
      661,
      151,
    ],
    ["concurrency", { web: { concurrency: 9 } }, (b) => web(b)?.concurrency, 4, 9],
    ["memory", { web: { memoryMib: 1024 } }, (b) => web(b)?.memoryMib, 512, 1024],
    ["command", { web: { command: ["daphne", "$X"] } }, (b) => web(b)?.command[1], "-m", "$X"],
    ["a variable", { env: { A: "1" } }, (b) => web(b)?.environment.A, undefined, "1"],
    ["table", { results: { table: "jobs" } }, (b) => b.table, "celery", "jobs"],
    [
      "life of results",
      { results: { ttlSeconds: 60 } },
      (b) => web(b)?.environment.CELERY_RESULT_BACKEND,
      "dynamodb://@ru-central1/celery?ttl_seconds=86400",
      "dynamodb://@ru-central1/celery?ttl_seconds=60",
    ],
    [
      "sources",
      { image: { context: "site" } },
      (b) => web(b)?.source,
      "examples/django-celery",
      "site",
    ],
    [
      "a route",
      { workerPath: "/w" },
      (b) => Object.keys(JSON.parse(b.gateways[0]?.spec ?? "").paths),
      ["/", "/{proxy+}"],
      ["/", "/{proxy+}", "/w", "/w/{proxy+}"],
    ],
    [
      "schedule",
      { schedule: schedule("*/5 * * * ? *") },
      (b) => b.timers.map(({ cron }) => cron),
      [],
      ["*/5 * * * ? *"],
    ],
    ["the project's name", { project: "cafe" }, (b) => b.project, "shop", "cafe"],
  ])("changes what runs: %s", async (_, change, look, before, after) => {
    expect(look(await read())).toEqual(before);
    expect(look(await read(change))).toEqual(after);
  });
});
