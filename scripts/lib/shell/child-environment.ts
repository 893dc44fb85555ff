import type { Environment } from "./system.ts";

/** What a tool is started for. */
export type Purpose = "docker" | "git" | "terraform" | "yc";

// Where programs, homes, caches, certificates and proxies are; how to speak to the user.
const COMMON =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_\w+|TERM|COLORTERM|NO_COLOR|CI|DEBUG|XDG_\w+|SSL_CERT_(FILE|DIR)|SSH_AUTH_SOCK|DBUS_SESSION_BUS_ADDRESS|GODEBUG)$/;
const PROXIES = /^(https?|all|no)_proxy$/i;

const PURPOSES: Readonly<Record<Purpose, RegExp>> = {
  // Also what credential helpers and podman, in docker's place, look at.
  docker:
    /^((DOCKER|BUILDX|BUILDKIT|CONTAINERS?)_\w+|REGISTRY_AUTH_FILE|GNUPGHOME|PASSWORD_STORE_DIR|SOURCE_DATE_EPOCH|YC_(CLI|CONFIG)_\w+)$/,
  // A pipeline says there whose checkouts are trusted.
  git: /^GIT_CONFIG_\w+$/,
  // Node's, because the registry's purge is an npm script of this project.
  terraform: /^((TF|TOFU|YC)_\w+|CHECKPOINT_DISABLE|CDKTF_\w+|STAGE|NODE_\w+|npm_\w+)$/,
  yc: /^YC_\w+$/,
};

/**
 * The variables that a tool may need: a shell, and a pipeline's job even more, holds secrets that are
 * none of its business. `PASS_ENV` names further ones, separated by commas.
 */
export function childEnvironment(env: Environment, purpose: Purpose): Environment {
  const further = (env.PASS_ENV ?? "").split(",").map((name) => name.trim());
  const isNeeded = (name: string) =>
    COMMON.test(name) ||
    PROXIES.test(name) ||
    PURPOSES[purpose].test(name) ||
    further.includes(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => isNeeded(name)));
}
