import * as v from "valibot";
import { type AppOutputs, appOutputsSchema } from "../../../stacks/outputs.ts";
import { expectShape, type TerraformDocument } from "./_terraform-document.ts";
import type { ContainerSpec, Endpoints } from "./blueprint.ts";
import { withLocalValues } from "./local-environment.ts";

const { entries } = appOutputsSchema;

const QUEUE_HOST = "message-queue.api.cloud.yandex.net";
const CONTAINER = "yandex_serverless_container";
const ATTRIBUTES = ["name", "image", "concurrency", "execution_timeout", "memory", "secrets"];

const bodySchema = v.object({
  name: v.string(),
  image: v.object({
    command: v.nullish(v.array(v.string())),
    args: v.nullish(v.array(v.string()), []),
    environment: v.nullish(v.record(v.string(), v.unknown()), {}),
  }),
  concurrency: v.nullish(v.pipe(v.unknown(), v.toNumber()), 1),
  execution_timeout: v.nullish(v.string(), "60s"),
  memory: v.pipe(v.unknown(), v.toNumber()),
  secrets: v.nullish(v.array(v.object({ id: v.string(), environment_variable: v.string() })), []),
});

type ContainerAttributes = v.InferOutput<typeof bodySchema>;
type ContainerSource = AppOutputs["local"]["containers"][string];

/** The containers that have a source here, and the names of those that do not. */
export function readContainers(
  stack: TerraformDocument,
  endpoints: Endpoints,
): { readonly containers: ContainerSpec[]; readonly unknown: string[] } {
  const sources = readSources(stack);
  const health = readHealthPaths(stack);
  const bodies = stack
    .resources(CONTAINER, ATTRIBUTES)
    .map((body) => expectShape(bodySchema, body, `container ${body.name}`));
  return {
    containers: bodies.flatMap((body) => {
      const source = sources.get(body.name);
      return source ? [renderContainer(body, source, health.get(body.name), endpoints)] : [];
    }),
    unknown: bodies.flatMap(({ name }) => (sources.has(name) ? [] : [`${CONTAINER} (${name})`])),
  };
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
  return {
    name: body.name,
    ...source,
    command: [...(body.image.command ?? command ?? []), ...body.image.args],
    environment: renderEnvironment(body.image.environment, endpoints),
    secrets: body.secrets.map((secret) => secret.environment_variable),
    foreignSecrets: body.secrets
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
  { queue }: Endpoints,
): Record<string, string> {
  const local = Object.entries(environment).map(([key, value]) => [
    key,
    String(value)
      // The address comes from AWS_ENDPOINT_URL_SQS; one in the broker's URL would mean https.
      .replace(new RegExp(`^sqs://${QUEUE_HOST}(?::443)?/?$`), "sqs://")
      .replaceAll(`https://${QUEUE_HOST}`, queue),
  ]);
  return withLocalValues(Object.fromEntries(local));
}
