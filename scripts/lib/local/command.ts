import { resolve } from "node:path";
import { makeExecEnvironment } from "../../../packages/local-cloud/containers/exec-environment.ts";
import type { ContainerSpec, Endpoints } from "../../../packages/local-cloud/stack/blueprint.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import { UsageError } from "../shell/command-line.ts";
import { stopBySignal } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { findInstances, type RunningInstance } from "./instances.ts";
import { type OwnCommand, runOnce } from "./once.ts";
import { cacheDirectory, readSecrets } from "./paths.ts";
import { readSynthesized, usualEndpoints } from "./stack.ts";

/** The flags of `npm run local -- run` and `-- manage`. */
export interface CommandFlags {
  readonly stage: string | undefined;
  readonly python: string | undefined;
}

/** What of a person's own environment has to do with the terminal, and with nothing else. */
const OF_TERMINAL = /^(TERM|COLORTERM|NO_COLOR|COLUMNS|LINES|EDITOR|VISUAL|PAGER|USER)$/;

/**
 * Runs a command as the site's container would, beside the local cloud that runs in this folder: in
 * its folder, with its Python and its environment. Returns the exit code.
 */
export async function runCommand(
  system: System,
  { stage, python }: CommandFlags,
  words: readonly string[],
): Promise<number> {
  if (words.length === 0) {
    throw new UsageError("No command is given. Write e.g. `npm run local -- run pytest`.");
  }
  const stop = new AbortController();
  let begun = false;
  stopBySignal((interrupted) => {
    // At a terminal Ctrl-C is the command's, which may be a shell of Python's.
    if (begun && system.interactive && interrupted.signal === "SIGINT") return;
    stop.abort(interrupted);
  });
  const stack = await readSynthesized(system, stage);
  const { containers } = readStack(stack, await endpointsOf(system, stack));
  const { cwd, env } = await siteContext(system, { containers, python, signal: stop.signal });
  const own = Object.entries(system.env).filter(([name]) => OF_TERMINAL.test(name));
  // One word with spaces in it was a line in quotes.
  const shell = words.length === 1 && /\s/.test(words.join());
  const command = { words, shell, cwd, env: { ...Object.fromEntries(own), ...env } };
  begun = true;
  return await runOnce(system, command, stop.signal);
}

/** A command of `manage.py` as the container of commands runs it, at home with the terminal. */
export function inManage(words: readonly string[]): readonly string[] {
  if (words.length > 0) return ["python3", "-m", "celery_push_worker", "manage", ...words];
  throw new UsageError("No command is given. Write e.g. `npm run local -- manage migrate`.");
}

/** Where the site's container is looked for, and how it runs. */
export interface SiteOptions {
  readonly containers: readonly ContainerSpec[];
  readonly python: string | undefined;
  /** Its Python is an image's then, and the command's the machine's. */
  readonly docker?: boolean;
  readonly signal?: AbortSignal;
}

/** The working directory and the environment of the site's container, on this machine. */
export async function siteContext(
  system: System,
  {
    containers: [spec],
    python,
    docker = false,
    signal = new AbortController().signal,
  }: SiteOptions,
): Promise<Pick<OwnCommand, "cwd" | "env">> {
  if (spec === undefined) throw new UserError("The stack has no container with sources.");
  if (docker) return { cwd: resolve(system.root, spec.source), env: spec.environment };
  return await makeExecEnvironment({
    ...{ spec, root: system.root, cache: cacheDirectory(system.root), python, signal },
    secrets: readSecrets(system.root),
    progress: (step) => system.warn(`  ${step}`),
    warn: (message) => system.warn(message),
  });
}

/** Addresses of the local cloud that runs in this folder, or those that one would have. */
async function endpointsOf(system: System, stack: string): Promise<Endpoints> {
  const usual = usualEndpoints(stack);
  const [instance] = await findInstances(system);
  if (instance !== undefined) {
    refuseOutdated(usual, instance, readSecrets(system.root));
    return instance.addresses;
  }
  system.warn(
    "No local cloud runs in this folder: the command finds no queue and no results. Start one: npm run local",
  );
  return usual;
}

/** @throws UserError if the stack has a service that the one which runs was started without */
export function refuseOutdated(
  { postgres, storage }: Pick<Endpoints, "postgres" | "storage">,
  { site, addresses }: Pick<RunningInstance, "site" | "addresses">,
  secrets: Readonly<Record<string, string>>,
): void {
  // A database of the user's own takes the place of ours.
  const wantsPostgres = postgres !== undefined && secrets.DATABASE_URL === undefined;
  const missing = [
    ...(wantsPostgres && !addresses.postgres ? ["'postgres'"] : []),
    ...(storage && !addresses.storage ? ["'media'"] : []),
  ];
  if (missing.length === 0) return;
  throw new UserError(
    `The local cloud at ${site} was started before config.ts had ${missing.join(" and ")}. Stop it, and start \`npm run local\` again.`,
  );
}
