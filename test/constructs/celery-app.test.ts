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

const POSTGRES = {
  host: "c-c9q1.rw.mdb.yandexcloud.net",
  port: 6432,
  database: "shop",
  user: "shop",
  password: { secretId: "e6q1", versionId: "e6q2", key: "password", grantRead: () => {} },
  networkId: "enp1",
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

  test.each(["shop-web", "shop-worker", "shop-manage"])(
    "tells %s how to connect to PostgreSQL, in every way that clients read",
    (name) => {
      const stack = synthApp({
        postgres: POSTGRES,
        manage: { caller: "userAccount:aje1" },
        aliases: { DB_PASSWORD: "PGPASSWORD" },
      });

      expect(environment(container(stack, name))).toMatchObject({
        DATABASE_URL: "postgresql://shop@c-c9q1.rw.mdb.yandexcloud.net:6432/shop",
        PGHOST: "c-c9q1.rw.mdb.yandexcloud.net",
        PGPORT: "6432",
        PGUSER: "shop",
        PGDATABASE: "shop",
        PGPASSWORD: "secret password",
        DB_PASSWORD: "secret password",
        PGSSLMODE: "require",
      });
      expect(environment(container(stack, name))).not.toHaveProperty("PGSSLROOTCERT");
      expect(container(stack, name).connectivity).toEqual({ network_id: "enp1" });
    },
  );

  test("has the server verified where the image has the authority's certificate", () => {
    const stack = synthApp({ postgres: { ...POSTGRES, caFile: "/app/ca.pem" } });

    expect(environment(container(stack, "shop-web"))).toMatchObject({
      PGSSLMODE: "verify-full",
      PGSSLROOTCERT: "/app/ca.pem",
    });
  });

  test("leaves DATABASE_URL to the user without a PostgreSQL", () => {
    expect(refusals(build({ env: { DATABASE_URL: "postgresql://elsewhere" } }))).toEqual([]);
  });

  test("runs commands as an account that may do nothing but start, called by one", () => {
    const stack = synthApp({ manage: { caller: "userAccount:aje1", timeoutSeconds: 60 } });

    expect(container(stack, "shop-manage")).toMatchObject({
      execution_timeout: "60s",
      runtime: { type: "task" },
    });
    expect(environment(container(stack, "shop-manage"))).not.toHaveProperty("GUNICORN_CMD_ARGS");
    expect(environment(container(stack, "shop-manage"))).toMatchObject({
      CELERY_APP: "shop.celery:app",
      SQS_SECRET_ACCESS_KEY: "secret secret_key",
    });
    expect(roles(stack).filter((right) => right.includes("manage"))).toEqual([
      "shop-manage: container-registry.images.puller",
      "undefined: serverless-containers.containerInvoker on shop-manage",
    ]);
    expect(stack.resource?.terraform_data).not.toHaveProperty("Celery_Release");
  });

  test.each([{}, { workerPath: "/worker/" }])(
    "releases before every container of the new image but that of the commands: %j",
    (props) => {
      const release = { words: ["migrate"], command: "npm run manage" };
      const stack = synthApp({ ...props, manage: { caller: "userAccount:aje1", release } });
      const [step] = Object.keys(stack.resource?.terraform_data ?? {}).filter((id) =>
        id.startsWith("Celery_Release"),
      );
      const followers = resources(stack, "yandex_serverless_container")
        .filter(({ depends_on }) => (depends_on as string[]).includes(`terraform_data.${step}`))
        .map(({ name }) => name);

      expect(followers).toEqual("workerPath" in props ? ["shop-web"] : ["shop-web", "shop-worker"]);
    },
  );

  describe("staticBucket, with what fills it", () => {
    const props = {
      staticBucket: "shop-static",
      manage: {
        caller: "userAccount:aje1",
        release: { words: ["migrate"], command: "npm run manage" },
        staticFiles: { words: ["upload-static"], command: "npm run manage" },
      },
    };

    test("is filled with the new image's files before any other container has the image", () => {
      const stack = synthApp(props);
      const steps = Object.entries(stack.resource?.terraform_data ?? {});
      const [id, step] = steps.find(([name]) => name.startsWith("Celery_Static")) ?? [];
      const followers = resources(stack, "yandex_serverless_container")
        .filter(({ depends_on }) => (depends_on as string[]).includes(`terraform_data.${id}`))
        .map(({ name }) => name);

      expect(followers).toEqual(["shop-web", "shop-worker"]);
      expect(step).toMatchObject({
        triggers_replace: [expect.stringContaining("Manage_"), "upload-static"],
        provisioner: [
          {
            "local-exec": {
              command: "npm run manage",
              environment: { MANAGE_WORDS: '["upload-static"]' },
            },
          },
        ],
      });
      expect(steps.filter(([name]) => name.startsWith("Celery_Release"))).toHaveLength(1);
    });

    test("may be written by the account whose key the command has, and by nobody else", () => {
      const stack = synthApp(props);

      expect(resources(stack, "yandex_storage_bucket_iam_binding")).toMatchObject([
        { bucket: "shop-static" },
      ]);
      expect(roles(stack).filter((right) => right.includes("storage"))).toEqual([
        "shop-gateway: storage.viewer",
        expect.stringMatching(/^shop-runtime: storage.editor\b/),
      ]);
    });

    test("is known to the container of commands alone", () => {
      const stack = synthApp(props);

      expect(environment(container(stack, "shop-manage")).STATIC_BUCKET_URL).toBe(
        "https://storage.yandexcloud.net/shop-static",
      );
      for (const name of ["shop-web", "shop-worker"]) {
        expect(environment(container(stack, name))).not.toHaveProperty("STATIC_BUCKET_URL");
      }
    });

    test("keeps its variable from being set by the user", () => {
      const env = { STATIC_BUCKET_URL: "https://elsewhere" };

      expect(refusals(build({ ...props, env }))).toEqual([
        expect.stringContaining("env.STATIC_BUCKET_URL"),
      ]);
      expect(refusals(build({ env }))).toEqual([]);
    });

    test.each([
      ["nothing that fills it", { ...props, manage: { caller: "userAccount:aje1" } }],
      ["no bucket", { ...props, staticBucket: undefined }],
    ])("is left to the user with %s", (_, others) => {
      const stack = synthApp(others as Partial<CeleryAppProps>);

      expect(stack.resource).not.toHaveProperty("yandex_storage_bucket_iam_binding");
      expect(Object.keys(stack.resource?.terraform_data ?? {}).join()).not.toContain("Static");
      expect(environment(container(stack, "shop-manage"))).not.toHaveProperty("STATIC_BUCKET_URL");
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

  describe("with further queues", () => {
    const QUEUES = {
      heavy: { worker: { memoryMib: 4096, timeoutSeconds: 3600 }, batchCutoffSeconds: 2 },
      low_priority: { batchSize: 10, maxReceiveCount: 3 },
    };

    const targets = (stack: ReturnType<typeof synthApp>) =>
      Object.entries(stack.output?.triggers?.value as Record<string, Body>).map(
        ([name, { containerId, path }]) => [name, nameOf(stack, String(containerId)), path],
      );

    test("has each with dead letters, as long as its own worker may take", () => {
      const queues = resources(synthApp({ queues: QUEUES }), "yandex_message_queue");

      const visibility = Object.fromEntries(
        queues.map((queue) => [queue.name, queue.visibility_timeout_seconds]),
      );
      expect(visibility).toEqual({
        "shop-tasks": 661,
        "shop-tasks-dead": undefined,
        "shop-tasks-heavy": 3662,
        "shop-tasks-heavy-dead": undefined,
        "shop-tasks-low-priority": 661,
        "shop-tasks-low-priority-dead": undefined,
      });
      const low = queues.find(({ name }) => name === "shop-tasks-low-priority");
      expect(low?.redrive_policy).toMatch(/low_priority_DeadLetters.*"maxReceiveCount" = 3/);
    });

    test("hands each queue's messages to its own worker, or to the default one", () => {
      const stack = synthApp({ queues: QUEUES, trigger: "terraform" });

      expect(targets(stack)).toEqual([
        ["shop-tasks", "shop-worker", "/"],
        ["shop-tasks-heavy", "shop-worker-heavy", "/"],
        ["shop-tasks-low-priority", "shop-worker", "/"],
      ]);
      expect(resources(stack, "yandex_function_trigger")).toMatchObject([
        { name: "shop-tasks-heavy", message_queue: { batch_size: "1", batch_cutoff: "2" } },
        { name: "shop-tasks-low-priority", message_queue: { batch_size: "10" } },
        { name: "shop-tasks", message_queue: { batch_size: "1", batch_cutoff: "1" } },
      ]);
    });

    test("runs a worker of a queue's own as the default one, but for what it says", () => {
      const stack = synthApp({ queues: QUEUES, worker: { memoryMib: 256 } });

      expect(container(stack, "shop-worker-heavy")).toMatchObject({
        memory: 4096,
        concurrency: 1,
        execution_timeout: "3600s",
        image: { url: IMAGE, command: ["python3", "-m", "celery_push_worker", "worker"] },
      });
      const { REVISION_FINGERPRINT: _, ...own } = environment(
        container(stack, "shop-worker-heavy"),
      );
      expect(environment(container(stack, "shop-worker"))).toMatchObject(own);
    });

    test.each(["shop-web", "shop-worker", "shop-worker-heavy"])(
      "tells %s the address of each by Celery's name for it",
      (name) => {
        const { SQS_QUEUES } = environment(container(synthApp({ queues: QUEUES }), name));

        expect(SQS_QUEUES).toMatch(
          /^\$\{jsonencode\(\{"heavy" = yandex_message_queue\.Celery_Tasks-heavy_\w+\.id, "low_priority" = yandex_message_queue\.Celery_Tasks-low_priority_\w+\.id\}\)\}$/,
        );
      },
    );

    test("says nothing of further queues where there are none", () => {
      for (const props of [{}, { queues: {} }]) {
        expect(environment(container(synthApp(props), "shop-web"))).not.toHaveProperty(
          "SQS_QUEUES",
        );
      }
    });

    test("needs no right that one queue does not need, but to call its worker", () => {
      const added = roles(synthApp({ queues: QUEUES })).filter(
        (right) => !roles(synthApp()).includes(right),
      );

      expect(added).toEqual([
        "shop-trigger: serverless-containers.containerInvoker on shop-worker-heavy",
      ]);
    });

    test("has the site run the tasks that it mounts the worker for, and no others", () => {
      const stack = synthApp({ queues: QUEUES, workerPath: "/worker/" });

      expect(targets(stack)).toEqual([
        ["shop-tasks", "shop-web", "/worker/"],
        ["shop-tasks-heavy", "shop-worker-heavy", "/"],
        ["shop-tasks-low-priority", "shop-web", "/worker/"],
      ]);
    });

    test("gives no worker a new image before the release step has succeeded", () => {
      const release = { words: ["migrate"], command: "npm run manage" };
      const stack = synthApp({
        queues: QUEUES,
        manage: { caller: "userAccount:aje1", release },
      });

      const step = expect.stringMatching(/^terraform_data\.Celery_Release_/);
      for (const name of ["shop-web", "shop-worker", "shop-worker-heavy"]) {
        expect(container(stack, name).depends_on).toEqual(expect.arrayContaining([step]));
      }
    });

    test("rejects two names that are one in the cloud", () => {
      expect(refusals(build({ queues: { "a-b": {}, a_b: {} } }))).toContain(
        "[app/Triggers] 'name' is \"shop-tasks-a-b\", allowed: one trigger of a name in a folder. Rename one of app/Celery/Trigger-a-b and app/Celery/Trigger-a_b.",
      );
    });
  });

  const queueName =
    "lowercase letters, digits, hyphens and underscores, a letter or digit first and last";
  const rename = "Rename the queue, also in Celery's routes";

  test.each([undefined, "/worker/"])("asks the database each minute, at path %s", (workerPath) => {
    const stack = synthApp({ schedule: "database", trigger: "terraform", workerPath });

    expect(resources(stack, "yandex_function_trigger")).toContainEqual(
      expect.objectContaining({
        name: "shop-schedule",
        timer: { cron_expression: "* * * * ? *", payload: '{"schedule":"database"}' },
        container: expect.objectContaining({ path: workerPath ?? "/" }),
      }),
    );
  });

  test.each<[string, Partial<CeleryAppProps>, string]>([
    ...["Heavy", "video.encode", "-a", "a-", "a b", ""].map(
      (name): [string, Partial<CeleryAppProps>, string] => [
        `"${name}" as the name of a queue`,
        { queues: { [name]: {} } },
        `[app/Celery] 'queues.${name}' is "${name}", allowed: ${queueName}. ${rename}.`,
      ],
    ),
    [
      "the default queue among the further ones",
      { queues: { default: {} } },
      "[app/Celery] 'queues.default' is \"default\", allowed: a further queue: this one is always there. Remove it, and write what it needs under 'worker', 'batchSize' and 'batchCutoffSeconds'.",
    ],
    ...["dead", "mail-dead", "mail_dead"].map((name): [string, Partial<CeleryAppProps>, string] => [
      `"${name}", which is a queue of dead letters`,
      { queues: { [name]: {} } },
      `[app/Celery] 'queues.${name}' is "${name}", allowed: a name that does not end in "dead", as those of dead letters do. ${rename}.`,
    ]),
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
    [
      "a network of one's own beside that of the database",
      { networkId: "enp2", postgres: POSTGRES },
      "[app/Celery] 'networkId' is \"enp2\", allowed: no 'postgres' beside it, whose network the containers are in. Write network: { networkId, subnetIds } instead.",
    ],
    [
      "another name for what this stack does not set",
      { aliases: { DB_HOST: "PGHOST" } },
      "[app/Celery] 'aliases.DB_HOST' is \"PGHOST\", allowed: what this stack sets: ALLOWED_HOSTS, AWS_ACCESS_KEY_ID, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_SQS, AWS_SECRET_ACCESS_KEY, CELERY_APP, CELERY_BROKER_URL, CELERY_DYNAMODB_ENDPOINT_URL, CELERY_RESULT_BACKEND, DJANGO_SECRET_KEY, GUNICORN_CMD_ARGS, SQS_ACCESS_KEY_ID, SQS_QUEUE, SQS_REGION, SQS_SECRET_ACCESS_KEY. Add the part that it belongs to, e.g. 'postgres', or remove the alias.",
    ],
    [
      "a user's own address of a managed database",
      { env: { DATABASE_URL: "x" }, postgres: POSTGRES },
      "[app/Celery] 'env.DATABASE_URL' is \"DATABASE_URL\", allowed: a variable that the system does not set itself. Remove it, or give what the system sets a further name in 'aliases'.",
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
