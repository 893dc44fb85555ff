import { expect, test } from "vitest";
import { ProcessLauncher } from "../../../packages/local-cloud/containers/_process-launcher.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import type { Config } from "../../../stacks/config-schema.ts";
import { ENDPOINTS, synthesize } from "../stack/_synthesized.ts";

/** What an image gives its processes. */
const IMAGE = ["HOME", "LANG", "PATH", "PYTHONUNBUFFERED", "TZ", "TMPDIR", "VIRTUAL_ENV"];

const FIELDS: Partial<Config> = {
  env: { DJANGO_SETTINGS_MODULE: "shop.settings", PYTHONPATH: "src" },
  secrets: { SENTRY_DSN: { secretId: "e6q00000000000000001", key: "dsn" } },
  web: { concurrency: 7, timeoutSeconds: 20 },
};

/** The containers of the stack as the cloud would get them. */
function deployed(stack: string) {
  const bodies = Object.values(JSON.parse(stack).resource.yandex_serverless_container) as {
    name: string;
    image: { command: string[]; environment: Record<string, string> };
    secrets: { environment_variable: string }[];
  }[];
  return bodies.map(({ name, image, secrets }) => ({
    name,
    command: image.command,
    environment: image.environment,
    secrets: secrets.map(({ environment_variable }) => environment_variable),
  }));
}

test.each(["shop-web", "shop-worker"])(
  "%s gets the same here as in the cloud, but for addresses, secrets and DEBUG",
  async (name) => {
    const stack = await synthesize(FIELDS);
    const cloud = deployed(stack).find((container) => container.name === name);
    const spec = readStack(stack, ENDPOINTS).containers.find((one) => one.name === name);
    if (cloud === undefined || spec === undefined) throw new Error(`no ${name}`);

    const secrets = Object.fromEntries(spec.secrets.map((key) => [key, `secret ${key}`]));
    const runtime = new ProcessLauncher({ root: "/project", cache: "/cache" });
    const { program, args, env } = runtime.command(spec, "/venv", 81, secrets);
    const added = Object.entries(env).filter(([key]) => !IMAGE.includes(key));
    const here = Object.fromEntries(added.filter(([key]) => !cloud.secrets.includes(key)));
    const names = new Set([...Object.keys(here), ...Object.keys(cloud.environment)]);
    const different = [...names].filter((key) => here[key] !== cloud.environment[key]);

    expect([program, ...args]).toEqual(cloud.command);
    expect(spec.secrets).toEqual(cloud.secrets);
    expect(Object.fromEntries(different.sort().map((key) => [key, here[key]]))).toEqual({
      ALLOWED_HOSTS: `${cloud.environment.ALLOWED_HOSTS},localhost,127.0.0.1,[::1]`,
      AWS_ENDPOINT_URL_DYNAMODB: ENDPOINTS.tables,
      AWS_ENDPOINT_URL_SQS: ENDPOINTS.queue,
      CELERY_BROKER_URL: "sqs://",
      CELERY_DYNAMODB_ENDPOINT_URL: ENDPOINTS.tables,
      DJANGO_DEBUG: "1",
      LISTEN_HOST: "127.0.0.1",
      LOCAL_CLOUD_TOKEN: expect.any(String),
      // The platform's.
      PORT: "81",
      PYTHONPATH: expect.stringMatching(/\/own:src$/),
      REVISION_FINGERPRINT: expect.stringMatching(/^[0-9a-f]{64}$/),
      SQS_QUEUE: expect.stringMatching(/^http:\/\/localhost:9324\//),
      URL_SCHEME: "http",
    });
  },
);
