import type { Blueprint } from "../stack/blueprint.ts";

/** A container's own: a program beside it has no use for them. */
const CONTAINER_ONLY: ReadonlySet<string> = new Set([
  "ALLOWED_HOSTS",
  "GUNICORN_CMD_ARGS",
  "REVISION_FINGERPRINT",
]);

/** Of programs beside the containers. */
export const KEYS = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" } as const;

/**
 * The variables with which boto3, the AWS CLI, Celery and the project's own code talk to the local
 * cloud: those of the container that executes tasks, with made-up keys.
 */
export function clientEnvironment(
  { containers, queueTriggers }: Blueprint,
  site: string,
): Readonly<Record<string, string>> {
  const executing = containers.find(({ name }) => name === queueTriggers[0]?.container);
  const environment = (executing ?? containers[0])?.environment ?? {};
  const shared = Object.entries(environment).filter(([name]) => !CONTAINER_ONLY.has(name));
  return { SITE_URL: site, ...Object.fromEntries(shared), ...KEYS };
}

/** Lines that set the variables in a shell. */
export function formatExports(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}`);
}

function quote(value: string): string {
  return /^[\w@%+=:,./?-]*$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
