import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { describeStack } from "./_describe-stack.ts";
import { RunningStack } from "./_running-stack.ts";
import type { SystemCheck } from "./containers/system-checks.ts";
import { clientEnvironment } from "./control/client-environment.ts";
import { startControl } from "./control/server.ts";
import { EventStore } from "./events/store.ts";
import { openJournal } from "./queue/journal.ts";
import { reportKept } from "./queue/kept-messages.ts";
import { Queues } from "./queue/queues.ts";
import { startQueueServer } from "./queue/server.ts";
import type { Blueprint, Endpoints } from "./stack/blueprint.ts";
import { readPorts, readStack } from "./stack/read-stack.ts";
import { DOCKER_HOST } from "./support/guard.ts";
import type { Listening } from "./support/listen.ts";
import { Teardown } from "./support/teardown.ts";
import { startTables } from "./tables/server.ts";

export interface LocalCloudOptions {
  /** Content of the synthesized stack, cdktf.out/stacks/app/cdk.tf.json. */
  readonly stack: string;
  /** The project's folder, in which the containers' sources lie. */
  readonly root: string;
  /** Folder for Python environments, kept from run to run. */
  readonly cache: string;
  /** Folder with one folder for each bucket. */
  readonly buckets: string;
  /** Folder that keeps queues and tables. @default - memory only */
  readonly data?: string;
  /** Values of secrets, by the variable's name. @default - made up */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Whether containers run as Docker images. @default false */
  readonly docker?: boolean;
  /** Interpreter to make Python environments with. @default - one that suits the project */
  readonly python?: string;
  /** Ports to try first, 0 for any. @default - the stack's, and 4510 for control */
  readonly ports?: Partial<Ports>;
}

type Ports = Blueprint["ports"] & { readonly control: number };

const CONTROL_PORT = 4510;

/** Addresses without a slash at the end. */
export interface Addresses extends Endpoints {
  readonly control: string;
}

/** A port that was taken, and the one in its place. */
export interface Move {
  readonly wanted: number;
  readonly port: number;
}

/** Everything that a stack describes, on this machine. */
export interface LocalCloud {
  /** Tells this run from others. */
  readonly run: string;
  readonly events: EventStore;
  readonly addresses: Addresses;
  readonly moves: readonly Move[];
  /** What runs at the moment: another after `apply`. */
  readonly blueprint: () => Blueprint;
  /** Variables for programs that talk to it. */
  readonly environment: () => Readonly<Record<string, string>>;
  /** Resolves when every container was started, and the triggers take messages. */
  readonly ready: Promise<void>;
  /** What Django's system checks find in the project, once its containers are ready. */
  findings(): Promise<readonly SystemCheck[]>;
  /** Containers that are not ready. */
  down(): readonly string[];
  /** Holds messages back in their queues, or hands them out again. Gives back whether they are held. */
  togglePause(): boolean;
  /** Fires a timer now, and gives back the container's answer. */
  fire(timer: string): Promise<number>;
  /** Restarts the containers, for changed sources. */
  restart(): Promise<void>;
  /** Runs another stack in place of this one. Queues, tables and what is in them stay. */
  apply(stack: string): Promise<void>;
  /** Stops everything; no process is left. */
  stop(): Promise<void>;
}

/**
 * Starts everything that a synthesized stack describes: queues, tables, gateway, containers,
 * triggers, and a server by which other programs see what happens.
 *
 * Gives back as soon as all addresses answer; requests for containers wait until these are ready.
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const teardown = new Teardown();
  try {
    return await assemble(options, teardown);
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function assemble(options: LocalCloudOptions, teardown: Teardown): Promise<LocalCloud> {
  const run = randomUUID();
  const events = new EventStore();
  const ports: Ports = { control: CONTROL_PORT, ...readPorts(options.stack), ...options.ports };
  const { queues, queue, tables } = await startServices(options, ports, events, teardown);
  const endpoints = { queue: queue.url, tables: tables.url };
  const stack = new RunningStack({ ...options, endpoints, queues, report: events.report });
  teardown.add(() => stack.stop());
  await stack.run(options.stack, ports.site);
  const { site, sitePort, ready } = stack.current;
  const environment = () => clientEnvironment(stack.current.blueprint, site);
  const fire = (timer: string) => stack.current.timers.fire(timer);
  const control = await startControl({
    ...{ events, run, fire, port: ports.control },
    timers: () => stack.current.blueprint.timers.map(({ name }) => name),
    describe: () => ({
      ...{ run, pid: process.pid, addresses: { ...endpoints, site }, environment: environment() },
      ...describeStack(stack.current, queues),
    }),
  });
  teardown.add(() => control.close());
  let stopping: Promise<void> | undefined;
  return {
    ...{ run, events, environment, fire, ready },
    addresses: { ...endpoints, site, control: control.url },
    moves: movesOf(ports, { queue, tables, control, site: { port: sitePort } }),
    blueprint: () => stack.current.blueprint,
    findings: async () => {
      await ready;
      const { containers, blueprint } = stack.current;
      return containers.systemChecks(blueprint.timers.map(({ name }) => name));
    },
    down: () => stack.down(),
    togglePause: () => stack.togglePause(),
    restart: () => stack.current.containers.restart(),
    apply: (text) => stack.replace(text),
    stop: () => {
      stopping ??= teardown.run();
      return stopping;
    },
  };
}

async function startServices(
  { stack, data, docker }: LocalCloudOptions,
  ports: Ports,
  { report }: EventStore,
  teardown: Teardown,
) {
  const journal = data === undefined ? undefined : await openJournal(data);
  if (journal) teardown.add(() => journal.close());
  const hosts = docker ? [DOCKER_HOST] : [];
  let address = "";
  const queues = new Queues({ report, journal, address: () => address });
  teardown.add(() => queues.close());
  reportKept(queues, report);
  const queue = await startQueueServer({
    queues,
    port: ports.queue,
    hosts,
    report,
    stackOnly: true,
  });
  teardown.add(() => queue.close());
  address = queue.url;
  // The table's name depends on no address.
  const { table } = readStack(stack, { queue: address, tables: address, site: address });
  const directory = data === undefined ? undefined : join(data, "tables");
  const tables = await startTables({ table, port: ports.tables, hosts, directory, report });
  teardown.add(() => tables.close());
  return { queues, queue, tables };
}

function movesOf(
  wanted: Ports,
  found: { readonly [name in keyof Ports]: Pick<Listening, "port"> },
): Move[] {
  return (["site", "queue", "tables", "control"] as const)
    .map((name) => ({ wanted: wanted[name], port: found[name].port }))
    .filter(({ wanted, port }) => wanted !== 0 && port !== 0 && wanted !== port);
}
