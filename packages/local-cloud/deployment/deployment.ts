import { pathToFileURL } from "node:url";
import { Containers, type ContainersOptions } from "../containers/containers.ts";
import type { Invoke } from "../containers/invoke.ts";
import { startGateway } from "../gateway/server.ts";
import type { Queues } from "../queue/queues.ts";
import type { Blueprint, Endpoints } from "../stack/blueprint.ts";
import { readStack } from "../stack/read-stack.ts";
import { Teardown } from "../support/teardown.ts";
import { QueueTriggers } from "../trigger/queue-triggers.ts";
import { Timers } from "../trigger/timers.ts";

/** A stack to run, and what outlives it. */
export interface DeploymentOptions extends Omit<ContainersOptions, "specs" | "releases"> {
  /** Content of the synthesized stack. */
  readonly stack: string;
  /** Where queue and tables listen. */
  readonly endpoints: Omit<Endpoints, "site">;
  /** The first gateway's port to try first, 0 for any. */
  readonly sitePort: number;
  readonly queues: Queues;
  /** Folder with one folder for each bucket. */
  readonly buckets: string;
}

/** What one stack runs, besides the services whose content outlives it. */
export interface Deployment {
  readonly blueprint: Blueprint;
  /** Address of the first gateway; empty without one. */
  readonly site: string;
  readonly sitePort: number;
  readonly containers: Containers;
  readonly triggers: QueueTriggers;
  readonly timers: Timers;
  /** Resolves when every container was started, and the triggers take messages. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when the gateways answer; a request waits for the containers. */
export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const teardown = new Teardown();
  let begin: (containers: Containers) => void = () => {};
  const begun = new Promise<Containers>((resolve) => {
    begin = resolve;
  });
  const invoke: Invoke = async (...call) => (await begun).invoke(...call);
  try {
    const gateways = await startGateways(options, invoke, teardown);
    const [{ url: site, port: sitePort } = { url: "", port: 0 }] = gateways;
    // An image cannot reach a folder of this machine.
    const buckets = options.docker ? undefined : pathToFileURL(options.buckets).href;
    const blueprint = readStack(options.stack, { ...options.endpoints, site, buckets });
    for (const spec of blueprint.queues) options.queues.create(spec);
    const { containers, triggers, timers } = makeParts(options, blueprint, teardown);
    const ready = containers.start().then(() => {
      triggers.start();
      timers.start();
    });
    // A request that came early gets an answer even if the containers do not start.
    ready.catch(() => {}).finally(() => begin(containers));
    const stop = () => teardown.run();
    return { blueprint, site, sitePort, containers, triggers, timers, ready, stop };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

function makeParts(options: DeploymentOptions, blueprint: Blueprint, teardown: Teardown) {
  const { queues, report } = options;
  const { containers: own, releases } = blueprint;
  const containers = new Containers({ ...options, specs: own, releases });
  const { invoke } = containers;
  const specs = blueprint.queueTriggers;
  const triggers = new QueueTriggers({ specs, queues, invoke, containers, report });
  const timers = new Timers({ specs: blueprint.timers, invoke, report });
  teardown.add(() => containers.stop());
  teardown.add(() => triggers.stop());
  teardown.add(() => timers.stop());
  return { containers, triggers, timers };
}

// The texts of a stack need all addresses, which are not known yet; a gateway's do not.
async function startGateways(options: DeploymentOptions, invoke: Invoke, teardown: Teardown) {
  const { stack, endpoints, sitePort, buckets, report } = options;
  const { gateways } = readStack(stack, { ...endpoints, site: "" });
  const listening = [];
  for (const [index, gateway] of gateways.entries()) {
    const port = sitePort === 0 ? 0 : sitePort + index;
    const server = await startGateway({ gateway, port, invoke, buckets, report });
    teardown.add(() => server.close());
    listening.push(server);
  }
  return listening;
}
