import { Token, Tokenization } from "cdktf";
import { mismatches, type Refuse } from "./_refusal.ts";
import type { SecretValue } from "./secret.ts";

const MAX_BYTES = 4096;

/** The entry of the environment that tells one revision from another: a hash of all its inputs. */
export const FINGERPRINT_KEY = "REVISION_FINGERPRINT";
const FINGERPRINT_LENGTH = 64;

const RESERVED_KEYS: readonly string[] = ["PORT", "REQUEST_PATH", FINGERPRINT_KEY];

/** What Yandex Cloud would reject about the environment, secrets included. */
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
  refuse(bytes > MAX_BYTES, {
    field: "env",
    value: bytes,
    allowed: `at most ${MAX_BYTES} bytes of names and values, the secrets' included`,
    fix: "Shorten values, or put them in the image",
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
    fix: "Remove it: the platform sets it",
  });
}

function checkValue(key: string, value: string, refuse: Refuse): void {
  const { length } = knownText(value);
  refuse(length > 4096, {
    field: `env.${key}.length`,
    value: length,
    allowed: "at most 4096 characters",
    fix: "Put the value in the image or in a bucket",
  });
}

function checkOnce(key: string, env: Readonly<Record<string, string>>, refuse: Refuse): void {
  refuse(Object.hasOwn(env, key), {
    field: `secrets.${key}`,
    value: key,
    allowed: "a name that env does not have",
    fix: "Remove it from env",
  });
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
