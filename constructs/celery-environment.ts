import type { SecretValue } from "./secret.ts";

const REGION = "ru-central1";
const QUEUE_ENDPOINT = "https://message-queue.api.cloud.yandex.net";
const GATEWAY_HOSTS = ".apigw.yandexcloud.net";
/** Where the image has the worker package, which is first on Python's path. */
const OWN_PACKAGES = "/opt/celery-push/own";

/** What a container's variables say of the rest of the system. */
export interface CeleryConnections {
  /** E.g. "shop.celery:app". */
  readonly celeryApp: string;
  readonly queueUrl: string;
  /** What DynamoDB clients connect to. */
  readonly documentApiEndpoint: string;
  readonly resultsTable: string;
  /** Seconds until a result expires. */
  readonly resultsTtlSeconds: number;
  /** Hosts that Django answers to besides the gateway's own. */
  readonly hosts: readonly string[];
  /** Both halves of the key that sends tasks and stores results. */
  readonly accessKey: SecretValue;
  readonly secretKey: SecretValue;
  readonly djangoSecretKey: SecretValue;
  /** Arguments of gunicorn, however it is started. */
  readonly server: string;
}

/** Everything that the system sets. A value from Lockbox becomes a secret of the container. */
const VARIABLES = {
  GUNICORN_CMD_ARGS: ({ server }) => server,
  CELERY_APP: ({ celeryApp }) => celeryApp,
  // No key in it: Celery takes the key from SQS_* or AWS_*.
  CELERY_BROKER_URL: () => `sqs://${new URL(QUEUE_ENDPOINT).host}:443`,
  SQS_QUEUE: ({ queueUrl }) => queueUrl,
  SQS_REGION: () => REGION,
  CELERY_RESULT_BACKEND: ({ resultsTable, resultsTtlSeconds }) =>
    `dynamodb://@${REGION}/${resultsTable}?ttl_seconds=${resultsTtlSeconds}`,
  CELERY_DYNAMODB_ENDPOINT_URL: ({ documentApiEndpoint }) => documentApiEndpoint,
  AWS_DEFAULT_REGION: () => REGION,
  AWS_ENDPOINT_URL_SQS: () => QUEUE_ENDPOINT,
  AWS_ENDPOINT_URL_DYNAMODB: ({ documentApiEndpoint }) => documentApiEndpoint,
  ALLOWED_HOSTS: ({ hosts }) => [...hosts, GATEWAY_HOSTS].join(","),
  SQS_ACCESS_KEY_ID: ({ accessKey }) => accessKey,
  SQS_SECRET_ACCESS_KEY: ({ secretKey }) => secretKey,
  AWS_ACCESS_KEY_ID: ({ accessKey }) => accessKey,
  AWS_SECRET_ACCESS_KEY: ({ secretKey }) => secretKey,
  DJANGO_SECRET_KEY: ({ djangoSecretKey }) => djangoSecretKey,
} satisfies Readonly<Record<string, (from: CeleryConnections) => string | SecretValue>>;

/** A variable that the system sets in both containers. */
export type OwnVariable = keyof typeof VARIABLES;

/** All variables that the system sets, in alphabetical order. */
export const OWN_VARIABLES: readonly string[] = Object.keys(VARIABLES).sort();

/** Whether the system sets a variable: a user's value must not silently win or lose against it. */
export function isOwnVariable(name: unknown): name is OwnVariable {
  return typeof name === "string" && OWN_VARIABLES.includes(name);
}

/** What a user adds to the environment of both containers. */
export interface CeleryEnvironmentProps {
  /**
   * Variables of both containers, e.g. Django's settings module. Not for secrets: they are in the
   * state in clear text. @default - none
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Variables of both containers whose values are in Lockbox. @default - none */
  readonly secrets?: Readonly<Record<string, SecretValue>>;
  /**
   * Further names of the variables that the stack sets, for settings that read others:
   * `{ SECRET_KEY: "DJANGO_SECRET_KEY", DJANGO_ALLOWED_HOSTS: "ALLOWED_HOSTS" }`. @default - none
   */
  readonly aliases?: Readonly<Record<string, OwnVariable>>;
}

/** Everything that Celery, boto3, Django and gunicorn read from the environment of a container. */
export function renderEnvironment(props: CeleryEnvironmentProps, connections: CeleryConnections) {
  const env = addOwnPackages(props.env);
  const secrets = { ...props.secrets };
  const aliases = Object.entries(props.aliases ?? {});
  for (const [variable, render] of Object.entries(VARIABLES)) {
    const further = aliases.filter(([, of]) => of === variable).map(([alias]) => alias);
    const value = render(connections);
    for (const name of [variable, ...further]) {
      if (typeof value === "string") env[name] = value;
      else secrets[name] = value;
    }
  }
  return { env, secrets };
}

// What the image sets is replaced by a value of the container's own.
function addOwnPackages(env: CeleryEnvironmentProps["env"] = {}): Record<string, string> {
  if (env.PYTHONPATH === undefined) return { ...env };
  return { ...env, PYTHONPATH: `${OWN_PACKAGES}:${env.PYTHONPATH}` };
}
