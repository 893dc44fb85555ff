import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import type { ContainerSpec, Variables } from "../stack/blueprint.ts";
import { withoutLocalValues } from "../stack/local-environment.ts";
import { RUNTIME_KEY } from "../stack/local-ids.ts";
import { writeWhole } from "../support/write-whole.ts";
import { TOKEN, TOKEN_VARIABLE } from "./_token.ts";

// https://yandex.cloud/en/docs/serverless-containers/concepts/limits
const MAX_BYTES = 4096;
const IMAGE_PACKAGES = "/opt/celery-push/own";
const SECRET_BYTES = 25;

const keptSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

/**
 * Values for the secrets of a container: given ones, the local key, or random ones that are kept in
 * `file`, so that sessions outlive a restart. What is in a Lockbox of the user's is empty unless
 * it is given. Whatever else is given comes with them, in place of the stack's.
 */
export function secretValues(
  { secrets, foreignSecrets }: Pick<ContainerSpec, "secrets" | "foreignSecrets">,
  given: Variables,
  file: string,
): Record<string, string> {
  const kept = existsSync(file) ? v.parse(keptSchema, readFileSync(file, "utf8")) : {};
  const value = (name: string) => {
    if (given[name] !== undefined) return given[name];
    if (foreignSecrets.includes(name)) return "";
    if (/ACCESS_KEY_ID$|SECRET_ACCESS_KEY$/.test(name)) return RUNTIME_KEY;
    kept[name] ??= randomBytes(SECRET_BYTES).toString("hex");
    return kept[name];
  };
  const before = JSON.stringify(kept);
  const values = Object.fromEntries(secrets.map((name) => [name, value(name)]));
  if (JSON.stringify(kept) !== before) {
    mkdirSync(dirname(file), { recursive: true });
    writeWhole(file, JSON.stringify(kept), 0o600);
  }
  return { ...given, ...values };
}

/**
 * Why the cloud would reject a container's environment: more than 4 KB of names and values. Here the
 * values of secrets are known, too. `undefined` for one that fits.
 */
export function environmentProblem(
  { name, environment, secrets }: Pick<ContainerSpec, "name" | "environment" | "secrets">,
  values: Variables,
): string | undefined {
  // What is written in .env.local besides is nowhere in the cloud.
  const kept = secrets.map((key) => [key, values[key] ?? ""]);
  const counted = { ...withoutLocalValues(environment), ...Object.fromEntries(kept) };
  const bytes = Buffer.byteLength(Object.entries(counted).flat().join(""));
  if (bytes <= MAX_BYTES) return undefined;
  return `Container ${name}: its environment has ${bytes} bytes of names and values, secrets included; at most ${MAX_BYTES} are allowed`;
}

/** Where a container of processes finds its programs. */
export interface ProcessPlace {
  readonly port: number;
  /** Folder of the Python environment. */
  readonly python: string;
  /** Folder with what is laid on top of an image. */
  readonly layer: string;
}

/** The whole environment of a container's process. Of our own only what no image would lack. */
export function processEnvironment(
  spec: Pick<ContainerSpec, "environment">,
  secrets: Variables,
  { port, python, layer }: ProcessPlace,
  own: NodeJS.ProcessEnv,
): Record<string, string> {
  const { HOME = "/", LANG = "C.UTF-8", TMPDIR } = own;
  const variables = containerVariables(spec, secrets, port, "127.0.0.1");
  return {
    HOME,
    LANG,
    ...(TMPDIR !== undefined && { TMPDIR }),
    // As in an image.
    TZ: "UTC",
    PYTHONUNBUFFERED: "1",
    PATH: `${python}/bin:${own.PATH ?? "/usr/bin:/bin"}`,
    VIRTUAL_ENV: python,
    ...variables,
    PYTHONPATH: [`${layer}/own`, ...projectPaths(variables)].join(":"),
  };
}

function projectPaths({ PYTHONPATH = "" }: Variables): string[] {
  return PYTHONPATH.split(":").filter((path) => path !== "" && path !== IMAGE_PACKAGES);
}

/** What the platform gives a container, and by what ours knows where it is and who may call it. */
export function containerVariables(
  { environment }: Pick<ContainerSpec, "environment">,
  secrets: Variables,
  port: number,
  host: string,
): Record<string, string> {
  return {
    ...environment,
    ...secrets,
    PORT: String(port),
    LISTEN_HOST: host,
    [TOKEN_VARIABLE]: TOKEN,
  };
}
