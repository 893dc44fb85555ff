import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import * as v from "valibot";

/** What local runs leave behind, from the project's directory. Not part of the repository. */
export const LOCAL_DIRECTORY = join(".state", "local");

/** One folder for each bucket. */
export const BUCKETS_DIRECTORY = join(LOCAL_DIRECTORY, "buckets");

/**
 * The folder of Python environments, kept from run to run. Their programs hold its path, which must
 * be the one that outlives a link to it.
 */
export function cacheDirectory(root: string): string {
  return join(realpathSync(join(root, "node_modules")), ".cache", "local-cloud");
}

/** Values of the user's own secrets. */
export const SECRETS_FILE = ".env.local";

/** The user's own values for secrets, by variable. */
export function readSecrets(root: string): Record<string, string> {
  const file = join(root, SECRETS_FILE);
  if (!existsSync(file)) return {};
  return v.parse(v.record(v.string(), v.string()), parseEnv(readFileSync(file, "utf8")));
}
