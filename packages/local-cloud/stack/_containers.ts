import * as v from "valibot";
import { type AppOutputs, appOutputsSchema } from "../../../stacks/outputs.ts";
import { expectShape, type TerraformDocument } from "./_terraform-document.ts";
import type { ContainerSpec, Endpoints } from "./blueprint.ts";
import { withLocalValues } from "./local-environment.ts";
import { LOCAL_PASSWORD } from "./local-ids.ts";

const { entries } = appOutputsSchema;

const QUEUE_HOST = "message-queue.api.cloud.yandex.net";
const POSTGRES_HOST = /c-[^@:/]+\.rw\.mdb\.yandexcloud\.net/;
/** What Connection Manager has made. */
const POSTGRES_PASSWORD = /^data\.yandex_connectionmanager_connection\./;
const STORAGE = "https://storage.yandexcloud.net";
/** The variable with the URL of the bucket of static files. */
export const STATIC_BUCKET = "STATIC_BUCKET_URL";
const CONTAINER = "yandex_serverless_container";
const ATTRIBUTES = [
  ...["name", "image", "runtime", "concurrency", "execution_timeout", "memory", "secrets"],
];

const bodySchema = v.object({
  name: v.string(),
  image: v.object({
    command: v.nullish(v.array(v.string())),
    args: v.nullish(v.array(v.string()), []),
    environment: v.nullish(v.record(v.string(), v.unknown()), {}),
  }),
  runtime: v.nullish(v.object({ type: v.string() })),
  concurrency: v.nullish(v.pipe(v.unknown(), v.toNumber()), 1),
  execution_timeout: v.nullish(v.string(), "60s"),
  memory: v.pipe(v.unknown(), v.toNumber()),
  secrets: v.nullish(v.array(v.object({ id: v.string(), environment_variable: v.string() })), []),
});

type ContainerAttributes = v.InferOutput<typeof bodySchema>;
type ContainerSource = AppOutputs["local"]["containers"][string];

/** The containers that have a source here, by whether they serve, and the names of those without. */
export function readContainers(
  stack: TerraformDocument,
  endpoints: Endpoints,
): {
  readonly containers: ContainerSpec[];
  /** Those that run a command for each request. */
  readonly tasks: ContainerSpec[];
  readonly unknown: string[];
} {
  const sources = readSources(stack);
  const health = readHealthPaths(stack);
  const bodies = stack
    .resources(CONTAINER, ATTRIBUTES)
    .map((body) => expectShape(bodySchema, body, `container ${body.name}`));
  const render = (wanted: readonly ContainerAttributes[]) =>
    wanted.flatMap((body) => {
      const source = sources.get(body.name);
      return source ? [renderContainer(body, source, health.get(body.name), endpoints)] : [];
    });
  return {
    containers: render(bodies.filter((body) => !isTask(body))),
    tasks: render(bodies.filter(isTask)),
    unknown: bodies.flatMap(({ name }) => (sources.has(name) ? [] : [`${CONTAINER} (${name})`])),
  };
}

function isTask({ runtime }: ContainerAttributes): boolean {
  return runtime?.type === "task";
}

/** Where the code of each container is, by its name; the outputs have it by role. */
function readSources(stack: TerraformDocument): Map<string, ContainerSource> {
  const { containers } = expectShape(entries.local, stack.output("local"), "output `local`");
  const ids = expectShape(entries.containers, stack.output("containers"), "output `containers`");
  return new Map(
    Object.entries(containers).flatMap(([role, source]) => {
      const id = ids[role]?.id;
      return id === undefined ? [] : [[id, source] as const];
    }),
  );
}

/** Where whatever answers triggers says that it is ready. */
function readHealthPaths(stack: TerraformDocument): Map<string, string> {
  const triggers = expectShape(
    entries.triggers,
    stack.output("triggers") ?? {},
    "output `triggers`",
  );
  return new Map(
    Object.values(triggers).map(({ containerId, path }) => [
      containerId,
      `${path.replace(/\/$/, "")}/healthz`,
    ]),
  );
}

function renderContainer(
  body: ContainerAttributes,
  { command, ...source }: ContainerSource,
  healthPath: string | undefined,
  endpoints: Endpoints,
): ContainerSpec {
  const passwords = body.secrets.filter(({ id }) => POSTGRES_PASSWORD.test(id));
  const secrets = body.secrets.filter((secret) => !passwords.includes(secret));
  return {
    name: body.name,
    ...source,
    command: [...(body.image.command ?? command ?? []), ...body.image.args],
    environment: {
      ...renderEnvironment(body.image.environment, endpoints),
      ...Object.fromEntries(
        passwords.map((secret) => [secret.environment_variable, LOCAL_PASSWORD]),
      ),
    },
    secrets: secrets.map((secret) => secret.environment_variable),
    foreignSecrets: secrets
      .filter(({ id }) => !id.startsWith("yandex_lockbox_secret."))
      .map((secret) => secret.environment_variable),
    concurrency: body.concurrency,
    timeoutSeconds: Number.parseInt(body.execution_timeout, 10),
    memoryMib: body.memory,
    ...(healthPath !== undefined && { healthPath }),
  };
}

function renderEnvironment(
  environment: Readonly<Record<string, unknown>>,
  { queue, postgres, storage = STORAGE, buckets = STORAGE }: Endpoints,
): Record<string, string> {
  const local = Object.entries(environment).map(([key, value]) => [
    key,
    String(value)
      // The address comes from AWS_ENDPOINT_URL_SQS; one in the broker's URL would mean https.
      .replace(new RegExp(`^sqs://${QUEUE_HOST}(?::443)?/?$`), "sqs://")
      .replaceAll(`https://${QUEUE_HOST}`, queue)
      // Below it are other buckets, too.
      .replace(new RegExp(`^${STORAGE}/?$`), storage)
      .replace(STORAGE, key === STATIC_BUCKET ? buckets : STORAGE),
  ]);
  return withLocalValues(withLocalPostgres(Object.fromEntries(local), postgres));
}

/** What leads to the database, under whatever further names, leads to a local one without TLS. */
function withLocalPostgres(
  environment: Record<string, string>,
  address: string | undefined,
): Record<string, string> {
  const { PGHOST, PGPORT, PGSSLMODE } = environment;
  if (PGHOST === undefined || !POSTGRES_HOST.test(PGHOST)) return environment;
  const [host = "", port = ""] = address?.split(":") ?? [];
  const local = ([key, value]: [string, string]): [string, string] => {
    if (value === PGPORT && /port/i.test(key)) return [key, port];
    if (value === PGSSLMODE && /ssl/i.test(key)) return [key, address ? "disable" : "prefer"];
    return [key, value.replace(`${PGHOST}:${PGPORT}`, `${host}:${port}`).replace(PGHOST, host)];
  };
  return Object.fromEntries(Object.entries(environment).map(local));
}
