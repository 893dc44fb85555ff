import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { type LocalCloud, startLocalCloud } from "../../../packages/local-cloud/local-cloud.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import { refuseSecrets } from "../image/build-context.ts";
import { stopBySignal } from "../shell/interrupt.ts";
import { messageOf } from "../shell/user-error.ts";
import type { World } from "../shell/world.ts";
import { placeCommand } from "./command.ts";
import { Ending } from "./ending.ts";
import { findInstances, type Instance, registerInstance } from "./instances.ts";
import { type OwnCommand, refuseDown, runOnce } from "./once.ts";
import { BUCKETS_DIRECTORY, cacheDirectory, readSecrets } from "./paths.ts";
import { createReader } from "./reader.ts";
import { readSynthesized } from "./stack.ts";
import type { Facts } from "./terminal/header.ts";
import type { Reader } from "./terminal/reader.ts";
import { refuseUnknownTimer } from "./timers.ts";
import { watchSources } from "./watch.ts";

/** Addresses of nothing, for who asks a stack about something else. */
const NOWHERE = { queue: "", tables: "", site: "" };

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

/** Runs the local cloud until somebody stops it, and gives back the exit code. */
export async function runLocal(world: World, flags: LocalFlags): Promise<number> {
  const until = new Ending();
  stopBySignal((interrupted) => until.come(interrupted));
  const stack = await readSynthesized(world, flags.stage);
  if (flags.docker) refuseSecretsInImages(world, stack);
  const others = await findInstances(world);
  const cloud = await startLocalCloud({ ...optionsOf(world, flags), stack });
  const unregister = registerInstance(world.root, {
    ...{ pid: process.pid, run: cloud.run },
    ...{ control: cloud.addresses.control, site: cloud.addresses.site },
  });
  const { json, once } = flags;
  const shown = createReader(world, { json, once: once !== undefined }, cloud, () => until.come());
  try {
    shown.reader.starting(factsOf(flags, cloud, others), cloud.events);
    return await attend(world, flags, cloud, shown.reader, until);
  } finally {
    unregister();
    shown.restore();
    await cloud.stop();
    shown.reader.end();
  }
}

// As a deploy does: an image may be pushed, or handed on.
function refuseSecretsInImages({ root }: World, stack: string): void {
  for (const { source, dockerfile } of readStack(stack, NOWHERE).containers) {
    refuseSecrets({ context: resolve(root, source), dockerfile }, root);
  }
}

async function attend(
  world: World,
  flags: LocalFlags,
  cloud: LocalCloud,
  reader: Reader,
  until: Ending,
): Promise<number> {
  if (flags.at !== undefined) refuseUnknownTimer(cloud, flags.at);
  const started = await Promise.race([cloud.ready.then(() => true), until.came.then(() => false)]);
  let stopWatching = async () => {};
  if (started) {
    // Before it is said to run: whoever reads that may change something at once.
    if (flags.watch && flags.once === undefined) {
      stopWatching = await watchSources(world, flags.stage, cloud, reader);
    }
    reader.running(performance.now(), cloud.down());
    // Beside everything else: nobody waits for it.
    if (flags.once === undefined) void noteFindings(cloud, reader);
    if (flags.at !== undefined) await cloud.fire(flags.at);
    if (flags.once !== undefined) {
      refuseDown(cloud.down());
      return await runOnce(world, await placeOnce(world, flags.once, flags, cloud), until);
    }
  }
  const interrupted = await until.came;
  await stopWatching();
  // To end is what it waits for, unless there was something to do.
  return flags.once !== undefined && interrupted ? interrupted.exitCode : 0;
}

/** Beside the site's container, but with all that is set here, and as who may do everything. */
async function placeOnce(
  world: World,
  line: string,
  { docker, python }: LocalFlags,
  cloud: LocalCloud,
): Promise<OwnCommand> {
  const { cwd, env } = await placeCommand(world, {
    ...{ containers: cloud.blueprint().containers, docker, python },
  });
  return { words: [line], shell: true, cwd, env: { ...world.env, ...env, ...cloud.environment() } };
}

async function noteFindings(cloud: LocalCloud, reader: Reader): Promise<void> {
  try {
    for (const { id, text, hint } of await cloud.systemChecks())
      reader.note(`${id}  ${text} ${hint}`);
  } catch (error) {
    reader.note(messageOf(error));
  }
}

function optionsOf({ root }: World, { data, docker, python }: LocalFlags) {
  return {
    ...{ root, docker, ...(python !== undefined && { python }) },
    cache: cacheDirectory(root),
    buckets: join(root, BUCKETS_DIRECTORY),
    secrets: readSecrets(root),
    ...(data !== undefined && { data: resolve(root, data) }),
  };
}

function factsOf({ data }: LocalFlags, cloud: LocalCloud, [other]: readonly Instance[]): Facts {
  const { project, skipped } = cloud.blueprint();
  const { addresses: urls, moves: moved } = cloud;
  return { project, urls, moved, skipped, data, other };
}
