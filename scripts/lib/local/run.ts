import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { type LocalCloud, startLocalCloud } from "../../../packages/local-cloud/local-cloud.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import { refuseSecrets } from "../image/build-context.ts";
import { aborted, Interrupted, stopOnSignal } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import { messageOf } from "../shell/user-error.ts";
import { siteContext } from "./command.ts";
import { actByIds } from "./dead-letters.ts";
import { findInstances, type Registration, registerInstance } from "./instances.ts";
import { type OwnCommand, refuseDown, runOnce } from "./once.ts";
import { BUCKETS_DIRECTORY, cacheDirectory, readSecrets } from "./paths.ts";
import { createReporter } from "./reporter.ts";
import { readSynthesized } from "./stack.ts";
import type { StartupInfo } from "./terminal/header.ts";
import type { Reporter } from "./terminal/reporter.ts";
import { refuseUnknownTimer } from "./timers.ts";
import { watchSources } from "./watch.ts";

/** Addresses of nothing, for who asks a stack about something else. */
const NOWHERE = { queue: "", tables: "", site: "" };

/** The flags of `npm run local`. */
export interface LocalFlags {
  readonly stage: string | undefined;
  readonly data: string | undefined;
  readonly at: string | undefined;
  readonly once: string | undefined;
  readonly watch: boolean;
  readonly docker: boolean;
  readonly python: string | undefined;
  readonly json: boolean;
}

/** Runs the local cloud until it is stopped. Returns the exit code. */
export async function runLocal(system: System, flags: LocalFlags): Promise<number> {
  const stop = stopOnSignal();
  const stack = await readSynthesized(system, flags.stage);
  if (flags.docker) refuseSecretsInImages(system, stack);
  const others = await findInstances(system);
  const cloud = await startLocalCloud({
    ...optionsOf(system, flags),
    ...{ stack, signal: stop.signal },
    progress: (step) => system.warn(`  ${step}`),
    actOnLetters: (address) => actByIds(system, address),
  });
  const unregister = registerInstance(system.root, {
    ...{ pid: process.pid, run: cloud.run },
    ...{ control: cloud.addresses.control, site: cloud.addresses.site },
  });
  const { json, once } = flags;
  const shown = createReporter(system, { json, once: once !== undefined }, cloud, () =>
    stop.abort(),
  );
  try {
    shown.reporter.starting(startupInfo(flags, cloud, others), cloud.events);
    return await attend(system, flags, cloud, shown.reporter, stop.signal);
  } finally {
    unregister();
    shown.restore();
    await cloud.stop();
    shown.reporter.end();
  }
}

// As a deploy does: an image may be pushed, or handed on.
function refuseSecretsInImages({ root }: System, stack: string): void {
  for (const { source, dockerfile } of readStack(stack, NOWHERE).containers) {
    refuseSecrets({ context: resolve(root, source), dockerfile }, root);
  }
}

async function attend(
  system: System,
  flags: LocalFlags,
  cloud: LocalCloud,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number> {
  if (flags.at !== undefined) refuseUnknownTimer(cloud, flags.at);
  await Promise.race([cloud.ready, aborted(signal)]);
  let stopWatching = async () => {};
  if (!signal.aborted) {
    // Before it is said to run: whoever reads that may change something at once.
    if (flags.watch && flags.once === undefined) {
      stopWatching = await watchSources(system, flags.stage, cloud, reporter);
    }
    reporter.running(performance.now(), cloud.down());
    // Beside everything else: nobody waits for it.
    if (flags.once === undefined) void noteFindings(cloud, reporter);
    if (flags.at !== undefined) await cloud.fire(flags.at);
    if (flags.once !== undefined) {
      refuseDown(cloud.down());
      return await runOnce(system, await placeOnce(system, flags.once, flags, cloud), signal);
    }
  }
  await aborted(signal);
  await stopWatching();
  // To end is what it waits for, unless there was something to do.
  const { reason } = signal;
  return flags.once !== undefined && reason instanceof Interrupted ? reason.exitCode : 0;
}

/** Beside the site's container, but with all that is set here, and as who may do everything. */
async function placeOnce(
  system: System,
  line: string,
  { docker, python }: LocalFlags,
  cloud: LocalCloud,
): Promise<OwnCommand> {
  const { cwd, env } = await siteContext(system, {
    ...{ containers: cloud.blueprint().containers, docker, python },
  });
  return {
    words: [line],
    shell: true,
    cwd,
    env: { ...system.env, ...env, ...cloud.environment() },
  };
}

async function noteFindings(cloud: LocalCloud, reporter: Reporter): Promise<void> {
  try {
    for (const { id, text, hint } of await cloud.systemChecks())
      reporter.note(`${id}  ${text} ${hint}`);
  } catch (error) {
    reporter.note(messageOf(error));
  }
}

function optionsOf({ root }: System, { data, docker, python }: LocalFlags) {
  return {
    ...{ root, docker, ...(python !== undefined && { python }) },
    cache: cacheDirectory(root),
    buckets: join(root, BUCKETS_DIRECTORY),
    secrets: readSecrets(root),
    ...(data !== undefined && { data: resolve(root, data) }),
  };
}

function startupInfo(
  { data }: LocalFlags,
  cloud: LocalCloud,
  [other]: readonly Registration[],
): StartupInfo {
  const { project, skipped } = cloud.blueprint();
  const { addresses: urls, moves: moved } = cloud;
  return { project, urls, moved, skipped, data, other };
}
