import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TerraformStack } from "cdktf";
import { describe, expect, test } from "vitest";
import { CeleryApp } from "../../constructs/celery-app.ts";
import type { CeleryAppProps } from "../../constructs/celery-app-props.ts";
import { ContainerRegistry } from "../../constructs/container-registry.ts";
import { type Body, refusals, resources, synth } from "../support/synth.ts";

const IMAGE = `cr.yandex/crp1/app@sha256:${"0".repeat(64)}`;

const build =
  (props: Partial<CeleryAppProps> = {}) =>
  (stack: TerraformStack) => {
    new CeleryApp(stack, "Celery", {
      name: "shop",
      image: IMAGE,
      celeryApp: "shop.celery:app",
      ...props,
    });
  };

const synthApp = (props?: Partial<CeleryAppProps>) => synth(build(props));

function container(stack: ReturnType<typeof synthApp>, name: string): Body & { image: Body } {
  const found = resources(stack, "yandex_serverless_container").find((c) => c.name === name);
  if (!found) throw new Error(`no container ${name}`);
  return found as Body & { image: Body };
}

/** The variables of a container: plain ones with their values, secret ones with the key of the entry. */
function environment(body: Body & { image: Body }): Record<string, unknown> {
  const secrets = body.secrets as { environment_variable: string; key: string }[];
  return {
    ...(body.image.environment as Record<string, string>),
    ...Object.fromEntries(secrets.map((s) => [s.environment_variable, `secret ${s.key}`])),
  };
}

/** Every right of the stack: whose, which, and on what if not on the folder or on a secret. */
function roles(stack: ReturnType<typeof synthApp>): string[] {
  const types = Object.entries(stack.resource ?? {}).filter(([type]) => /_iam_/.test(type));
  return types
    .filter(([type]) => !/_(account|key|lockbox_secret_iam_member)$/.test(type))
    .flatMap(([, grants]) => Object.values(grants))
    .flatMap(({ role, member, members = [member], ...grant }) =>
      (members as string[]).map((who) => `${nameOf(stack, who)}: ${role}${target(stack, grant)}`),
    )
    .sort();
}

function target(stack: ReturnType<typeof synthApp>, grant: Body): string {
  const id = grant.container_id ?? grant.database_id ?? grant.registry_id;
  return id === undefined ? "" : ` on ${nameOf(stack, String(id))}`;
}

/** The name of what a reference refers to. */
function nameOf(stack: ReturnType<typeof synthApp>, reference: string): unknown {
  const [, type = "", id = ""] = /(yandex_\w+)\.([\w-]+)\.id/.exec(reference) ?? [];
  return (stack.resource?.[type]?.[id] ?? stack.data?.[type]?.[id])?.name;
}

describe("CeleryApp", () => {
  test("is two containers from one image, a queue with dead letters, a database and a gateway", () => {
    const stack = synthApp();

    const names = (type: string) => resources(stack, type).map(({ name }) => name);
    expect(names("yandex_serverless_container")).toEqual(["shop-web", "shop-worker"]);
    expect(names("yandex_message_queue").sort()).toEqual(["shop-tasks", "shop-tasks-dead"]);
    expect(names("yandex_ydb_database_serverless")).toEqual(["shop-results"]);
    expect(names("yandex_api_gateway")).toEqual(["shop-gateway"]);
    expect(names("yandex_logging_group")).toEqual(["shop-logs"]);
    expect(container(stack, "shop-web").image.url).toBe(IMAGE);
    expect(container(stack, "shop-worker").image.url).toBe(IMAGE);
  });

  test("runs the site and the worker by their own entry points, times and concurrencies", () => {
    const stack = synthApp();

    expect(container(stack, "shop-web")).toMatchObject({
      execution_timeout: "60s",
      concurrency: 4,
      image: { command: ["python3", "-m", "celery_push_worker", "web"] },
    });
    expect(container(stack, "shop-worker")).toMatchObject({
      execution_timeout: "600s",
      concurrency: 1,
      image: { command: ["python3", "-m", "celery_push_worker", "worker"] },
    });
  });

  test.each([
    ["shop-web", {}, "--config=python:celery_push_worker.web --threads=4 --timeout=60"],
    [
      "shop-web",
      { web: { concurrency: 9, timeoutSeconds: 5, command: ["gunicorn", "shop.wsgi"] } },
      "--config=python:celery_push_worker.web --threads=9 --timeout=5",
    ],
    [
      "shop-web",
      { web: { concurrency: undefined } },
      "--config=python:celery_push_worker.web --threads=4 --timeout=60",
    ],
    ["shop-worker", {}, "--config=python:celery_push_worker.gunicorn --workers=1"],
    [
      "shop-worker",
      { worker: { concurrency: 2, timeoutSeconds: 5 } },
      "--config=python:celery_push_worker.gunicorn --workers=2",
    ],
  ])("tells %s's gunicorn how much it gets, however it is started", (name, props, expected) => {
    const { concurrency, image } = container(synthApp(props), name);

    expect((image.environment as Record<string, string>).GUNICORN_CMD_ARGS).toBe(expected);
    expect(expected).toMatch(new RegExp(`--(threads|workers)=${concurrency}\\b`));
  });

  test("keeps the worker package on Python's path, where a user adds to it", () => {
    const stack = synthApp({ env: { PYTHONPATH: "src" } });

    expect(environment(container(stack, "shop-worker")).PYTHONPATH).toBe(
      "/opt/celery-push/own:src",
    );
  });

  test.each(["shop-web", "shop-worker"])("gives %s further names of a setting", (name) => {
    const stack = synthApp({
      aliases: {
        BROKER: "CELERY_BROKER_URL",
        DJANGO_ALLOWED_HOSTS: "ALLOWED_HOSTS",
        HOSTS: "ALLOWED_HOSTS",
        SECRET_KEY: "DJANGO_SECRET_KEY",
      },
    });

    const variables = environment(container(stack, name));
    expect(variables).toMatchObject({
      BROKER: variables.CELERY_BROKER_URL,
      DJANGO_ALLOWED_HOSTS: ".apigw.yandexcloud.net",
      HOSTS: ".apigw.yandexcloud.net",
      SECRET_KEY: "secret secret_key",
    });
    const { secrets } = container(stack, name) as unknown as { secrets: Body[] };
    const entry = (variable: string) => {
      const secret = secrets.find((one) => one.environment_variable === variable);
      return [secret?.id, secret?.version_id, secret?.key];
    };
    expect(entry("SECRET_KEY")).toEqual(entry("DJANGO_SECRET_KEY"));
  });

  test.each(["shop-web", "shop-worker"])("gives %s every connection setting", (name) => {
    const stack = synthApp({ env: { DJANGO_SETTINGS_MODULE: "shop.settings" } });

    const database = /^\$\{yandex_ydb_database_serverless\.\w+\.document_api_endpoint\}$/;
    expect(environment(container(stack, name))).toEqual({
      ALLOWED_HOSTS: ".apigw.yandexcloud.net",
      AWS_ACCESS_KEY_ID: "secret access_key",
      AWS_DEFAULT_REGION: "ru-central1",
      AWS_ENDPOINT_URL_DYNAMODB: expect.stringMatching(database),
      AWS_ENDPOINT_URL_SQS: "https://message-queue.api.cloud.yandex.net",
      AWS_SECRET_ACCESS_KEY: "secret secret_key",
      CELERY_APP: "shop.celery:app",
      CELERY_BROKER_URL: "sqs://message-queue.api.cloud.yandex.net:443",
      CELERY_DYNAMODB_ENDPOINT_URL: expect.stringMatching(database),
      CELERY_RESULT_BACKEND: "dynamodb://@ru-central1/celery?ttl_seconds=86400",
      DJANGO_SECRET_KEY: "secret secret_key",
      DJANGO_SETTINGS_MODULE: "shop.settings",
      GUNICORN_CMD_ARGS: expect.stringContaining("--config=python:celery_push_worker."),
      REVISION_FINGERPRINT: expect.stringMatching(/^\$\{sha256\(jsonencode\(local\.\w+\)\)\}$/),
      SQS_ACCESS_KEY_ID: "secret access_key",
      SQS_QUEUE: expect.stringMatching(/^\$\{yandex_message_queue\.\w+\.id\}$/),
      SQS_REGION: "ru-central1",
      SQS_SECRET_ACCESS_KEY: "secret secret_key",
    });
  });

  test("gives each account the least roles", () => {
    expect(roles(synthApp())).toEqual([
      "shop-gateway: serverless-containers.containerInvoker on shop-web",
      "shop-queues: ymq.admin",
      "shop-reader: ymq.reader",
      "shop-runtime: container-registry.images.puller",
      "shop-runtime: ydb.editor on shop-results",
      "shop-runtime: ymq.writer",
      "shop-trigger: serverless-containers.containerInvoker on shop-worker",
    ]);
  });

  test("pulls from its own registry alone, but for an image that comes from another", () => {
    const stack = synth((scope) => {
      const registryName = "shop-images";
      const images = ContainerRegistry.fromName(scope, "Images", { registryName, repository: "a" });
      build({ registry: images })(scope);
    });

    expect(roles(stack)).toContain("shop-runtime: container-registry.images.puller on shop-images");
    const member = resources(stack, "yandex_resourcemanager_folder_iam_member").find(
      ({ role }) => role === "container-registry.images.puller",
    );
    expect(member?.count).toMatch(
      /^\$\{\(element\(split\("\/", "cr\.yandex\/crp1\/app@sha256:0{64}"\), 1\) != data\.yandex_container_registry\.\w+\.id\) \? 1 : 0\}$/,
    );
  });

  test("has one account for both ways to the one container, by one binding", () => {
    const stack = synthApp({ workerPath: "/worker/" });

    expect(roles(stack).filter((right) => right.includes("Invoker"))).toEqual([
      "shop-gateway: serverless-containers.containerInvoker on shop-web",
      "shop-trigger: serverless-containers.containerInvoker on shop-web",
    ]);
    expect(resources(stack, "yandex_serverless_container_iam_binding")).toHaveLength(1);
  });

  test("keeps both containers private", () => {
    expect(JSON.stringify(synthApp())).not.toContain("system:allUsers");
  });

  test("binds nothing on the folder, for a binding would take others' roles away", () => {
    const types = Object.keys(synthApp().resource ?? {});

    expect(types.filter((type) => /folder_iam_binding/.test(type))).toEqual([]);
  });

  test("waits for rights once, before the containers and the queues", () => {
    const stack = synthApp();

    const waits = Object.keys(stack.resource?.terraform_data ?? {});
    expect(waits).toHaveLength(1);
    for (const type of ["yandex_serverless_container", "yandex_message_queue"]) {
      for (const { depends_on } of resources(stack, type)) {
        expect(depends_on).toEqual([`terraform_data.${waits}`]);
      }
    }
    const slow = Object.values(stack.resource ?? {})
      .flatMap((bodies) => Object.values(bodies))
      .filter(({ sleep_after }) => sleep_after !== undefined);
    expect(slow.map(({ role }) => role)).toEqual([
      "serverless-containers.containerInvoker",
      "serverless-containers.containerInvoker",
    ]);
  });

  test("keeps the runtime's key and Django's secret out of the state", () => {
    const stack = synthApp();

    const [own, ...others] = resources(stack, "yandex_iam_service_account_static_access_key").sort(
      (a, b) =>
        Number(a.output_to_lockbox !== undefined) - Number(b.output_to_lockbox !== undefined),
    );
    expect(own?.service_account_id).toMatch(/QueueAccount/);
    expect(others.map((key) => key.output_to_lockbox !== undefined)).toEqual([true]);
    expect(
      resources(stack, "yandex_lockbox_secret_version").filter(({ entries }) => entries),
    ).toEqual([]);
  });

  test("takes the queues' key from the environment when told so", () => {
    const stack = synthApp({ queueKey: "environment" });

    expect(
      resources(stack, "yandex_message_queue").flatMap(({ access_key }) => access_key),
    ).toEqual([undefined, undefined]);
    expect(roles(stack).filter((role) => role.includes("ymq.admin"))).toEqual([]);
  });

  test("routes everything to the site and hands messages to the worker", () => {
    const stack = synthApp();

    const [gateway] = resources(stack, "yandex_api_gateway");
    const spec = JSON.parse(String(gateway?.spec)) as { paths: Record<string, unknown> };
    expect(Object.keys(spec.paths)).toEqual(["/", "/{proxy+}"]);
    expect(String(gateway?.spec)).toContain("${yandex_serverless_container.Celery_Web_");
    expect(String(gateway?.spec)).not.toContain("Celery_Worker_");
    expect(JSON.stringify(stack.output?.triggers)).toContain(
      "${yandex_serverless_container.Celery_Worker_",
    );
  });

  test("is one container with a worker path, which the gateway hides", () => {
    const stack = synthApp({ workerPath: "/worker/" });

    expect(resources(stack, "yandex_serverless_container").map(({ name }) => name)).toEqual([
      "shop-web",
    ]);
    const spec = JSON.parse(String(resources(stack, "yandex_api_gateway")[0]?.spec)) as {
      paths: Record<string, unknown>;
    };
    expect(JSON.stringify(spec.paths["/worker"])).toContain("404");
    expect(JSON.stringify(spec.paths["/worker/{proxy+}"])).toContain("404");
    expect(JSON.stringify(stack.output?.triggers)).toContain('"path":"/worker/"');
  });

  test("gives the message as long as the worker may take, and a margin", () => {
    const stack = synthApp({ worker: { timeoutSeconds: 900 }, batchCutoffSeconds: 5 });

    const queue = resources(stack, "yandex_message_queue").find(
      ({ name }) => name === "shop-tasks",
    );
    expect(queue?.visibility_timeout_seconds).toBe(965);
  });

  test("passes every option on", () => {
    const stack = synthApp({
      batchSize: 5,
      batchCutoffSeconds: 2,
      maxReceiveCount: 20,
      trigger: "terraform",
      results: { table: "results", ttlSeconds: 60 },
      database: { storageLimitGb: 5, deletionProtection: true },
      retentionDays: 1,
      networkId: "net1",
      hosts: ["shop.example.com"],
      staticBucket: "shop-static",
      roles: { queueReader: "editor", documentApi: "editor" },
      web: { memoryMib: 1024 },
      worker: { memoryMib: 2048 },
    });

    expect(resources(stack, "yandex_function_trigger")).toMatchObject([
      { message_queue: { batch_size: "5", batch_cutoff: "2" } },
    ]);
    expect(JSON.stringify(stack.resource?.yandex_message_queue)).toContain("20");
    expect(resources(stack, "yandex_ydb_database_serverless")).toMatchObject([
      { deletion_protection: true, serverless_database: [{ storage_size_limit: 5 }] },
    ]);
    expect(resources(stack, "yandex_logging_group")).toMatchObject([
      { retention_period: "24h0m0s" },
    ]);
    const web = container(stack, "shop-web");
    expect(web).toMatchObject({ memory: 1024, connectivity: { network_id: "net1" } });
    expect(container(stack, "shop-worker").memory).toBe(2048);
    expect(environment(web)).toMatchObject({
      ALLOWED_HOSTS: "shop.example.com,.apigw.yandexcloud.net",
      CELERY_RESULT_BACKEND: "dynamodb://@ru-central1/results?ttl_seconds=60",
    });
    expect(String(resources(stack, "yandex_api_gateway")[0]?.spec)).toContain("shop-static");
    expect(roles(stack)).toContain("shop-reader: editor");
    expect(roles(stack)).toContain("shop-runtime: editor on shop-results");
  });

  test("makes a timer of every entry of the schedule", () => {
    const path = join(mkdtempSync(join(tmpdir(), "schedule-")), "schedule.json");
    const timers = [{ name: "nightly", cron: "0 3 * * ? *", payload: "{}" }];
    writeFileSync(path, JSON.stringify({ version: 1, timers }));

    const stack = synthApp({ schedule: path });

    expect(Object.keys((stack.output?.triggers?.value ?? {}) as object)).toEqual([
      "shop-nightly",
      "shop-tasks",
    ]);
  });

  test.each<[string, Partial<CeleryAppProps>, string]>([
    [
      "a variable that the system sets itself",
      { env: { SQS_QUEUE: "x" } },
      "[app/Celery] 'env.SQS_QUEUE' is \"SQS_QUEUE\", allowed: a variable that the system does not set itself. Remove it, or give what the system sets a further name in 'aliases'.",
    ],
    [
      "a further name that the system sets itself",
      { aliases: { SQS_QUEUE: "SQS_REGION" } },
      "[app/Celery] 'aliases.SQS_QUEUE' is \"SQS_QUEUE\", allowed: a variable that the system does not set itself. Remove it, or give what the system sets a further name in 'aliases'.",
    ],
    [
      "a further name that the user sets already",
      { env: { KEY: "x" }, aliases: { KEY: "DJANGO_SECRET_KEY" } },
      "[app/Celery] 'aliases.KEY' is \"KEY\", allowed: a name that 'env' and 'secrets' do not have. Keep one of the two.",
    ],
    [
      "the root as the worker's path",
      { workerPath: "/" },
      '[app/Celery] \'workerPath\' is "/", allowed: a path of the site other than "/", e.g. "/worker/". Write the path at which urls.py mounts the worker.',
    ],
    [
      "settings for a worker that is the site",
      { workerPath: "/worker/", worker: { memoryMib: 128 } },
      "[app/Celery] 'workerPath' is \"/worker/\", allowed: no 'worker' beside it, since the site is the worker then. Write what the worker needs under 'web', or remove workerPath.",
    ],
  ])("rejects %s", (_, props, message) => {
    expect(refusals(build(props))).toContain(message);
  });

  test("knows all variables that it sets", () => {
    const own = Object.keys(environment(container(synthApp(), "shop-web")));

    for (const key of own.filter((key) => key !== "REVISION_FINGERPRINT")) {
      expect(refusals(build({ env: { [key]: "x" } })).join()).toContain(`'env.${key}'`);
    }
  });
});
