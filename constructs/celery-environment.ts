import { Fn } from "cdktf";
import type { PostgresConnection } from "./postgres-cluster.ts";
import type { SecretValue } from "./secret.ts";

const REGION = "ru-central1";
const QUEUE_ENDPOINT = "https://message-queue.api.cloud.yandex.net";
const STORAGE_ENDPOINT = "https://storage.yandexcloud.net";
const GATEWAY_HOSTS = ".apigw.yandexcloud.net";
/** Where the image has the worker package, which is first on Python's path. */
const OWN_PACKAGES = "/opt/celery-push/own";

/** What a container's variables say of the rest of the system. */
export interface CeleryConnections {
  /** E.g. "shop.celery:app". */
  readonly celeryApp: string;
  readonly queueUrl: string;
  /** URLs of further queues, by Celery's names. */
  readonly queueUrls: Readonly<Record<string, string>>;
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
  /** Arguments of gunicorn, however it is started. @default - it is not */
  readonly server?: string;
  /** @default - no database but that of the results */
  readonly postgres?: PostgresProps | undefined;
  /** Name of the bucket of uploads. @default - none */
  readonly mediaBucket?: string | undefined;
  /** Name of the bucket of static files, where they are put into it. @default - none */
  readonly staticBucket?: string | undefined;
}

/** A PostgreSQL, and how it is connected to. */
export interface PostgresProps extends PostgresConnection {
  /**
   * Where the image has the certificate of the authority that signs the hosts', by which the server is
   * then verified. Without it the connection is encrypted, and whom it leads to is left to the private
   * network. @default - not verified
   */
  readonly caFile?: string | undefined;
}

/**
 * Everything that the system sets, `undefined` where a stack has no part for it. A value from Lockbox
 * becomes a secret of the container.
 */
const VARIABLES = {
  GUNICORN_CMD_ARGS: ({ server }) => server,
  CELERY_APP: ({ celeryApp }) => celeryApp,
  // No key in it: Celery takes the key from SQS_* or AWS_*.
  CELERY_BROKER_URL: () => `sqs://${new URL(QUEUE_ENDPOINT).host}:443`,
  SQS_QUEUE: ({ queueUrl }) => queueUrl,
  SQS_QUEUES: ({ queueUrls }) =>
    Object.keys(queueUrls).length > 0 ? Fn.jsonencode(queueUrls) : undefined,
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
  // Without the password: dj-database-url and django-environ leave it to libpq, which has PGPASSWORD.
  DATABASE_URL: ({ postgres: it }) =>
    it && `postgresql://${it.user}@${it.host}:${it.port}/${it.database}`,
  PGHOST: ({ postgres }) => postgres?.host,
  PGPORT: ({ postgres }) => postgres && String(postgres.port),
  PGDATABASE: ({ postgres }) => postgres?.database,
  PGUSER: ({ postgres }) => postgres?.user,
  PGPASSWORD: ({ postgres }) => postgres?.password,
  PGSSLMODE: ({ postgres }) => postgres && (postgres.caFile ? "verify-full" : "require"),
  PGSSLROOTCERT: ({ postgres }) => postgres?.caFile,
  AWS_STORAGE_BUCKET_NAME: ({ mediaBucket }) => mediaBucket,
  AWS_ENDPOINT_URL_S3: ({ mediaBucket }) => mediaBucket && STORAGE_ENDPOINT,
  // By default boto3 sends checksums in a form that is AWS's own.
  AWS_REQUEST_CHECKSUM_CALCULATION: ({ mediaBucket }) => mediaBucket && "when_required",
  AWS_RESPONSE_CHECKSUM_VALIDATION: ({ mediaBucket }) => mediaBucket && "when_required",
  STATIC_BUCKET_URL: ({ staticBucket }) => staticBucket && `${STORAGE_ENDPOINT}/${staticBucket}`,
} satisfies Readonly<Record<string, (from: CeleryConnections) => string | SecretValue | undefined>>;

/** A variable that the system can set in the containers. */
export type OwnVariable = keyof typeof VARIABLES;

/** All variables that the system can set, in alphabetical order. */
export const OWN_VARIABLES: readonly string[] = Object.keys(VARIABLES).sort();

/** Whether the system can set a variable. */
export function isOwnVariable(name: unknown): name is OwnVariable {
  return typeof name === "string" && OWN_VARIABLES.includes(name);
}

/** What the system sets in a stack: a user's value must not silently win or lose against it. */
export function ownVariables(
  connections: CeleryConnections,
): Readonly<Record<string, string | SecretValue>> {
  const values = Object.entries(VARIABLES).map(([name, render]) => [name, render(connections)]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** What a user adds to the environment of the containers. */
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
  for (const [variable, value] of Object.entries(ownVariables(connections))) {
    const further = aliases.filter(([, of]) => of === variable).map(([alias]) => alias);
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
