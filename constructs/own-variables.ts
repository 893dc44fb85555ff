/**
 * What the system itself puts into the environment of the containers and lets go by further names. A
 * list, because a user's value must not silently win or lose against one of these.
 */
export const ALIASED_VARIABLES = [
  "ALLOWED_HOSTS",
  "AWS_ACCESS_KEY_ID",
  "AWS_DEFAULT_REGION",
  "AWS_ENDPOINT_URL_DYNAMODB",
  "AWS_ENDPOINT_URL_SQS",
  "AWS_SECRET_ACCESS_KEY",
  "CELERY_APP",
  "CELERY_BROKER_URL",
  "CELERY_DYNAMODB_ENDPOINT_URL",
  "CELERY_RESULT_BACKEND",
  "DJANGO_SECRET_KEY",
  "SQS_ACCESS_KEY_ID",
  "SQS_QUEUE",
  "SQS_REGION",
  "SQS_SECRET_ACCESS_KEY",
] as const;

/** Set by the system too, for what a project does not read. */
export const UNALIASED_VARIABLES = ["GUNICORN_CMD_ARGS"] as const;

/** A variable that may have further names. */
export type AliasedVariable = (typeof ALIASED_VARIABLES)[number];
