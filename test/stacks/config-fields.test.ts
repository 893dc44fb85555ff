import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configSchema, type StageConfig } from "../../stacks/config-schema.ts";
import { resolveSettings } from "../../stacks/settings.ts";
import { read } from "../local-cloud/stack/_synthesized.ts";

/** Says nothing to what runs on a laptop, and why. */
const CLOUD_ONLY = {
  accept: "refusals at synth",
  folderId: "accounts",
  backend: "Terraform's state",
  queueKey: "accounts",
  keepNewest: "the registry",
  "database.storageLimitGb": "limits of storage",
  "database.deletionProtection": "Terraform",
  retentionDays: "log groups",
  dashboard: "Monitoring",
  "network.networkId": "VPC networks",
  "network.subnetIds": "VPC networks",
  "manage.cores": "machines",
  "manage.coreFraction": "machines",
  "manage.memoryMib": "a command has the machine's memory",
  "manage.timeoutSeconds": "a command has all the time it wants",
  networkId: "VPC networks",
  "roles.queueReader": "accounts",
  "roles.documentApi": "accounts",
  "quotas.containers": "checked at synth",
  "quotas.triggers": "checked at synth",
  "quotas.queues": "checked at synth",
  "web.cores": "machines",
  "web.coreFraction": "machines",
  "web.minInstances": "instances",
  "worker.cores": "machines",
  "worker.coreFraction": "machines",
  "worker.minInstances": "instances",
  trigger: "who makes triggers",
} as const;

const ROUTES = `openapi: "3.0.3"
info: { title: shop, version: "1" }
paths:
  /ping:
    get:
      x-yc-apigateway-integration: { type: dummy, http_code: 200, content: { text/plain: pong } }
`;
const TIMERS = JSON.stringify({
  version: 1,
  timers: [{ name: "nightly", cron: "0 3 ? * * *", payload: "{}" }],
});

function write(name: string, text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "fields-")), name);
  writeFileSync(file, text);
  return file;
}

/** A value for each other field, which must be seen in what runs. */
const LOCAL: Readonly<Record<string, StageConfig>> = {
  batchSize: { batchSize: 7 },
  batchCutoffSeconds: { batchCutoffSeconds: 7 },
  "image.context": { image: { context: "elsewhere" } },
  "image.dockerfile": { image: { dockerfile: "docker/prod.Dockerfile" } },
  "image.requirements": { image: { requirements: "requirements/prod.txt" } },
  "image.workdir": { image: { workdir: "backend" } },
  env: { env: { GREETING: "hello" } },
  aliases: { aliases: { SECRET_KEY: "DJANGO_SECRET_KEY" } },
  secrets: { secrets: { DSN: { secretId: "e6q00000000000000001", key: "dsn" } } },
  maxReceiveCount: { maxReceiveCount: 7 },
  workerPath: { workerPath: "/worker/" },
  queues: { queues: { heavy: { worker: {} } } },
  "web.memoryMib": { web: { memoryMib: 256 } },
  "web.concurrency": { web: { concurrency: 9 } },
  "web.timeoutSeconds": { web: { timeoutSeconds: 9 } },
  "web.command": { web: { command: ["x"] } },
  "worker.memoryMib": { worker: { memoryMib: 256 } },
  "worker.concurrency": { worker: { concurrency: 9 } },
  "worker.timeoutSeconds": { worker: { timeoutSeconds: 9 } },
  "worker.command": { worker: { command: ["x"] } },
  "results.table": { results: { table: "other" } },
  "results.ttlSeconds": { results: { ttlSeconds: 999 } },
  domain: { domain: { fqdn: "shop.example.com", dns: "external" } },
  openapi: { openapi: write("openapi.yaml", ROUTES) },
  staticBucket: { staticBucket: "static" },
  postgres: { postgres: {} },
  media: { media: true },
  release: { release: "check" },
  schedule: { schedule: write("schedule.json", TIMERS) },
};

const entries = (schema: unknown, prefix = ""): string[] => {
  const { entries: fields } = (schema ?? {}) as { entries?: Record<string, unknown> };
  return Object.entries(fields ?? {}).flatMap(([name, field]) => {
    const { wrapped } = field as { wrapped?: unknown };
    const below = entries(wrapped, `${prefix}${name}.`);
    return below.length > 0 ? below : [`${prefix}${name}`];
  });
};

test("each field of config.ts counts on a laptop, or is said not to", () => {
  const fields = entries(configSchema).filter((name) => !/^(project|celeryApp|stages)/.test(name));

  expect(fields.sort()).toEqual([...Object.keys(LOCAL), ...Object.keys(CLOUD_ONLY)].sort());
});

const blueprintOf = async (fields: StageConfig) =>
  JSON.stringify(await read({ ...fields, stages: {} }), (key, value) =>
    // A hash over everything would change with anything.
    key === "REVISION_FINGERPRINT" ? undefined : value,
  );

test.each(Object.entries(LOCAL))("%s changes what runs locally", async (_, fields) => {
  expect(await blueprintOf(fields)).not.toBe(await blueprintOf({}));
});

test.each([LOCAL["image.context"], LOCAL["image.dockerfile"]])(
  "%j is what a deploy builds from",
  (fields) => {
    const settings = resolveSettings({ project: "shop", celeryApp: "shop.celery:app", ...fields });

    expect(settings.image).toMatchObject({ ...fields?.image });
  },
);
