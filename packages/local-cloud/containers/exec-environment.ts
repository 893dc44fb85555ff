import { join } from "node:path";
import type { ContainerSpec, Variables } from "../stack/blueprint.ts";
import type { ProcessCommand } from "../support/owned-process.ts";
import { secretValues } from "./_environment.ts";
import { freePort } from "./_free-port.ts";
import { ProcessLauncher } from "./_process-launcher.ts";
import type { LauncherOptions, Preparation } from "./launcher.ts";

/** The container that a command runs as, and what its environment is created from. */
export interface ExecOptions extends LauncherOptions, Preparation {
  readonly spec: ContainerSpec;
  /** The user's own values for secrets, by variable. */
  readonly secrets: Variables;
}

/**
 * Where a command of the user's runs as if it were a container's own: its folder and its whole
 * environment, with a Python environment that is created unless it exists. Whose Python that one has
 * does not matter unless one is asked for: another would take the containers' own away.
 */
export async function makeExecEnvironment(
  options: ExecOptions,
): Promise<Pick<ProcessCommand, "cwd" | "env">> {
  const { spec, cache, secrets } = options;
  const launcher = new ProcessLauncher(options);
  const found = options.python === undefined ? launcher.find(spec) : undefined;
  const prepared = found ?? (await launcher.prepare(spec, options));
  const values = secretValues(spec, secrets, join(cache, "secrets.json"));
  return launcher.command(spec, prepared, await freePort(), values);
}

/** The same, of what an earlier run has created; `undefined` where there is none. Creates nothing. */
export function findExecEnvironment({
  spec,
  secrets,
  ...options
}: LauncherOptions & Pick<ExecOptions, "spec" | "secrets">): ProcessCommand | undefined {
  const launcher = new ProcessLauncher(options);
  const prepared = launcher.find(spec);
  if (prepared === undefined) return undefined;
  const values = secretValues(spec, secrets, join(options.cache, "secrets.json"));
  return launcher.command(spec, prepared, 0, values);
}
