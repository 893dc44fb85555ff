import { Token, Tokenization } from "cdktf";
import { checkName } from "./_name.ts";
import { isKnown, mismatches, outside, type Refuse } from "./_refusal.ts";
import type { SecretValue } from "./secret.ts";
import type { ServerlessContainerProps } from "./serverless-container.ts";

const LIMITS = "https://yandex.cloud/en/docs/serverless-containers/concepts/limits, November 2026";
const MAX_ENVIRONMENT_BYTES = 4096;
const MAX_PROVISIONED_INSTANCES = 2;

/** The entry of the environment that tells one revision from another: a hash of all its inputs. */
export const FINGERPRINT_KEY = "REVISION_FINGERPRINT";
const FINGERPRINT_LENGTH = 64;

/** What the cloud would refuse about a container apart from its environment. */
export function checkServerlessContainer(props: ServerlessContainerProps, refuse: Refuse): void {
  checkName(props.name, "container", refuse);
  refuse(mismatches(props.image, IMAGE), {
    field: "image",
    value: props.image,
    allowed: "cr.yandex/<registry id>/<repository>@sha256:<64 hex digits>",
    fix: "Name the image by its digest, as `npm run image` prints it",
    source: "https://yandex.cloud/en/docs/container-registry/concepts/docker-image, November 2026",
  });
  refuse(props.command?.length === 0, {
    field: "command",
    value: props.command,
    allowed: "at least the program",
    fix: "Leave it out for the image's own entry point",
  });
  const variable = props.command?.find((word) => isKnown(word) && VARIABLE.test(word));
  refuse(variable !== undefined && !SHELL.test(props.command?.[0] ?? ""), {
    field: "command",
    value: variable,
    allowed: "words without variables, since no shell replaces them",
    fix: 'Start a shell: ["sh", "-c", "exec … $PORT"]',
  });
  checkInstance(props, refuse);
}

function checkInstance(props: ServerlessContainerProps, refuse: Refuse): void {
  refuse(offStep(props.memoryMib, 128, 8192, 128), {
    field: "memoryMib",
    value: props.memoryMib,
    allowed: "128 to 8192 MiB in steps of 128",
    fix: "Round it up to the next step",
    source: LIMITS,
  });
  refuse(outside(props.cores, 1, 4), {
    field: "cores",
    value: props.cores,
    allowed: "1 to 4 whole processors",
    fix: "Use coreFraction for less than one",
    source: LIMITS,
  });
  refuse(offStep(props.coreFraction, 5, 100, 5), {
    field: "coreFraction",
    value: props.coreFraction,
    allowed: "5 to 100 percent in steps of 5",
    fix: "Leave it out for 100",
    source: LIMITS,
  });
  refuse(isKnown(props.cores) && props.cores > 1 && (props.coreFraction ?? 100) < 100, {
    field: "coreFraction",
    value: props.coreFraction,
    allowed: `100 percent with ${props.cores} cores`,
    fix: "Use one core, or leave coreFraction out",
  });
  checkRequests(props, refuse);
}

function checkRequests(props: ServerlessContainerProps, refuse: Refuse): void {
  refuse(outside(props.concurrency, 1, 16), {
    field: "concurrency",
    value: props.concurrency,
    allowed: "1 to 16 requests for one instance",
    fix: "Leave it out for 1",
    source: LIMITS,
  });
  refuse(outside(props.timeoutSeconds, 1, 3600), {
    field: "timeoutSeconds",
    value: props.timeoutSeconds,
    allowed: "1 to 3600 seconds",
    fix: "Split longer work into tasks of less than an hour",
    source: LIMITS,
  });
  refuse(outside(props.minInstances, 0, MAX_PROVISIONED_INSTANCES), {
    field: "minInstances",
    value: props.minInstances,
    allowed: `0 to ${MAX_PROVISIONED_INSTANCES} instances`,
    fix: "Leave it out for none",
    source: LIMITS,
  });
}

/** What the cloud would refuse about the environment, secrets included. */
export function checkEnvironment(
  env: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, SecretValue>>,
  refuse: Refuse,
): void {
  for (const key of Object.keys(env)) checkKey("env", key, refuse);
  for (const key of Object.keys(secrets)) checkKey("secrets", key, refuse);
  for (const [key, value] of Object.entries(env)) checkValue(key, value, refuse);
  for (const key of Object.keys(secrets)) checkOnce(key, env, refuse);
  const bytes = countBytes(env, secrets);
  refuse(bytes > MAX_ENVIRONMENT_BYTES, {
    field: "env",
    value: bytes,
    allowed: `at most ${MAX_ENVIRONMENT_BYTES} bytes of names and values, the secrets' included`,
    fix: "Shorten values, or put them into the image",
  });
}

function checkKey(map: "env" | "secrets", key: string, refuse: Refuse): void {
  refuse(mismatches(key, /^[a-zA-Z][a-zA-Z0-9_]*$/), {
    field: `${map}.${key}`,
    value: key,
    allowed: "letters, digits and underscores, a letter first",
    fix: "Rename the variable",
  });
  refuse(RESERVED_KEYS.includes(key), {
    field: `${map}.${key}`,
    value: key,
    allowed: `any name but ${RESERVED_KEYS.join(", ")}`,
    fix: "Take it out: it is set for the container",
  });
}

function checkValue(key: string, value: string, refuse: Refuse): void {
  const { length } = knownText(value);
  refuse(length > 4096, {
    field: `env.${key}.length`,
    value: length,
    allowed: "at most 4096 characters",
    fix: "Put the value into the image or into a bucket",
  });
}

function checkOnce(key: string, env: Readonly<Record<string, string>>, refuse: Refuse): void {
  refuse(Object.hasOwn(env, key), {
    field: `secrets.${key}`,
    value: key,
    allowed: "a name that env does not have",
    fix: "Take it out of env",
  });
}

/** What the quotas of a cloud would refuse, told by the first container that is one too many. */
export function checkContainerQuota(
  all: readonly { readonly minInstances: number }[],
  position: number,
  quota: number,
  refuse: Refuse,
): void {
  refuse(position === quota, {
    field: "containers",
    value: all.length,
    allowed: `at most ${quota} in one cloud`,
    fix: "Take containers out, or state a raised quota: quotas.containers in config.ts",
  });
  const before = countInstances(all.slice(0, position));
  const after = countInstances(all.slice(0, position + 1));
  refuse(before <= MAX_PROVISIONED_INSTANCES && after > MAX_PROVISIONED_INSTANCES, {
    field: "minInstances",
    value: countInstances(all),
    allowed: `at most ${MAX_PROVISIONED_INSTANCES} for all containers of one cloud together`,
    fix: "Keep fewer instances ready",
    source: LIMITS,
  });
}

function countInstances(containers: readonly { readonly minInstances: number }[]): number {
  return containers.reduce((sum, { minInstances }) => sum + minInstances, 0);
}

/** Bytes of the environment as far as they are known: unknown values count as empty. */
function countBytes(
  env: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, SecretValue>>,
): number {
  const texts = [
    ...Object.entries(env).flatMap(([key, value]) => [key, knownText(value)]),
    ...Object.keys(secrets),
    FINGERPRINT_KEY,
  ];
  return Buffer.byteLength(texts.join("")) + FINGERPRINT_LENGTH;
}

function knownText(value: string): string {
  if (!Token.isUnresolved(value)) return value;
  return Tokenization.reverseString(value).literals.join("");
}

function offStep(value: number | undefined, min: number, max: number, step: number): boolean {
  return outside(value, min, max) || (isKnown(value) && value % step !== 0);
}

const SHELL = /(^|\/)(sh|ash|bash|dash|zsh)$/;
/** As the whole word, or as its end after a sign that divides it. */
const VARIABLE = /(^|[=:])\$\{?[A-Z_][A-Z0-9_]*/;

const IMAGE =
  /^cr\.yandex\/[a-z0-9]+\/[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*@sha256:[0-9a-f]{64}$/;

const RESERVED_KEYS: readonly string[] = ["PORT", "REQUEST_PATH", FINGERPRINT_KEY];
