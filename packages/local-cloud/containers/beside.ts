import { join } from "node:path";
import type { ContainerSpec } from "../stack/blueprint.ts";
import { secretValues } from "./_environment.ts";
import { freePort } from "./_free-port.ts";
import type { Preparation, RuntimeOptions } from "./_launcher.ts";
import type { Command } from "./_owned-process.ts";
import { Processes } from "./_processes.ts";

export interface BesideOptions extends RuntimeOptions, Preparation {
  readonly spec: ContainerSpec;
  /** The user's own values for secrets, by variable. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Where a command of the user's runs as if it were a container's own: its folder and its whole
 * environment, with a Python that is made unless it is there.
 */
export async function placeBeside(options: BesideOptions): Promise<Pick<Command, "cwd" | "env">> {
  const { spec, cache, secrets } = options;
  const runtime = new Processes(options);
  const prepared = await runtime.prepare(spec, options);
  const values = secretValues(spec, secrets, join(cache, "secrets.json"));
  return runtime.command(spec, prepared, await freePort(), values);
}

/** The same, of what an earlier run has made. Nothing where there is none: nothing is made. */
export function findPlaceBeside({
  spec,
  secrets,
  ...options
}: RuntimeOptions & Pick<BesideOptions, "spec" | "secrets">): Command | undefined {
  const runtime = new Processes(options);
  const prepared = runtime.find(spec);
  if (prepared === undefined) return undefined;
  const values = secretValues(spec, secrets, join(options.cache, "secrets.json"));
  return runtime.command(spec, prepared, 0, values);
}
