import { Containers } from "./containers/containers.ts";
import type { Invoke } from "./containers/invoke.ts";
import type { Report } from "./events/event.ts";
import { startGateway } from "./gateway/server.ts";
import type { Queues } from "./queue/queues.ts";
import type { Blueprint, Endpoints } from "./stack/blueprint.ts";
import { readStack } from "./stack/read-stack.ts";
import { Teardown } from "./support/teardown.ts";
import { QueueTriggers } from "./trigger/queue-triggers.ts";
import { Timers } from "./trigger/timers.ts";

export interface RuntimeOptions {
  /** Content of the synthesized stack. */
  readonly stack: string;
  readonly endpoints: Omit<Endpoints, "site">;
  /** 0 for any. */
  readonly sitePort: number;
  readonly queues: Queues;
  readonly root: string;
  readonly cache: string;
  readonly buckets: string;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly docker?: boolean;
  readonly python?: string;
  readonly report: Report;
}

/** What one stack runs, besides the services whose content outlives it. */
export interface Runtime {
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

/** Gives back when the gateways answer; a request waits for the containers. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const teardown = new Teardown();
  let begin: (containers: Containers) => void = () => {};
  const begun = new Promise<Containers>((resolve) => {
    begin = resolve;
  });
  const invoke: Invoke = async (...call) => (await begun).invoke(...call);
  try {
    const gateways = await startGateways(options, invoke, teardown);
    const [{ url: site, port: sitePort } = { url: "", port: 0 }] = gateways;
    const blueprint = readStack(options.stack, { ...options.endpoints, site });
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

function makeParts(options: RuntimeOptions, blueprint: Blueprint, teardown: Teardown) {
  const { queues, root, cache, secrets = {}, docker, python, report } = options;
  const specs = blueprint.containers;
  const containers = new Containers({ specs, root, cache, secrets, docker, python, report });
  const { invoke } = containers;
  const { queueTriggers, timers: timerSpecs } = blueprint;
  const triggers = new QueueTriggers({ specs: queueTriggers, queues, invoke, containers, report });
  const timers = new Timers({ specs: timerSpecs, invoke, report });
  teardown.add(() => containers.stop());
  teardown.add(() => triggers.stop());
  teardown.add(() => timers.stop());
  return { containers, triggers, timers };
}

// The texts of a stack need all addresses, which are not known yet; a gateway's do not.
async function startGateways(options: RuntimeOptions, invoke: Invoke, teardown: Teardown) {
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
