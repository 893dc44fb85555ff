import type { Variables } from "./blueprint.ts";

/** Values that only a site on a laptop has. In the cloud they are not set, and do not count. */
const LOCAL_VARIABLES = { DJANGO_DEBUG: "1", URL_SCHEME: "http" };
/** Names of this machine, which a local site answers to besides its own. */
const LOCAL_HOSTS = ",localhost,127.0.0.1,[::1]";

/** A container's environment in the cloud, with what it has on a laptop besides. */
export function withLocalValues(environment: Variables): Record<string, string> {
  const { ALLOWED_HOSTS: hosts } = environment;
  const local = Object.entries(environment).map(([name, value]) =>
    // Under whatever further names.
    value === hosts ? [name, `${hosts}${LOCAL_HOSTS}`] : [name, value],
  );
  return { ...LOCAL_VARIABLES, ...Object.fromEntries(local) };
}

/** The same environment as the cloud has it. */
export function withoutLocalValues(environment: Variables): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => !(name in LOCAL_VARIABLES));
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name,
      value.endsWith(LOCAL_HOSTS) ? value.slice(0, -LOCAL_HOSTS.length) : value,
    ]),
  );
}
