import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { ContainersOptions } from "./containers/containers.ts";
import type { SystemCheck } from "./containers/system-checks.ts";
import { clientEnvironment, KEYS } from "./control/client-environment.ts";
import { type ActOnLetters, LocalSource } from "./control/console-source.ts";
import { startControl } from "./control/server.ts";
import { RunningStack } from "./deployment/running-stack.ts";
import { keepTasks } from "./events/kept-tasks.ts";
import { EventStore } from "./events/store.ts";
import { type Postgres, startPostgres } from "./postgres/server.ts";
import { openQueueJournal } from "./queue/journal.ts";
import { reportKept } from "./queue/kept-messages.ts";
import { Queues } from "./queue/queues.ts";
import { startQueueServer } from "./queue/server.ts";
import type { Blueprint, Endpoints, PostgresSpec, Variables } from "./stack/blueprint.ts";
import { LOCAL_PASSWORD, RUNTIME_KEY } from "./stack/local-ids.ts";
import { readServices } from "./stack/read-stack.ts";
import { startStorage } from "./storage/server.ts";
import { DOCKER_HOST } from "./support/guard.ts";
import type { Listening } from "./support/listen.ts";
import { Teardown } from "./support/teardown.ts";
import { startTables } from "./tables/server.ts";

/** What {@link startLocalCloud} runs, and with what. */
export interface LocalCloudOptions
  extends Omit<ContainersOptions, "specs" | "releases" | "report"> {
  /** Content of the synthesized stack, cdktf.out/stacks/app/cdk.tf.json. */
  readonly stack: string;
  /** Folder with one folder for each bucket. */
  readonly buckets: string;
  /** Folder that keeps queues, tables and uploads. @default - memory only */
  readonly data?: string;
  /** Is told what takes long before the addresses answer. @default - nobody */
  readonly progress?: (step: string) => void;
  /** Gives up what takes long. @default - never */
  readonly signal?: AbortSignal;
  /** What the page does with dead letters, told where they are. @default - it cannot */
  readonly actOnLetters?: (queue: string) => ActOnLetters;
  /** Ports to try first, 0 for any. @default - the stack's, and 4510 for control */
  readonly ports?: Partial<Ports>;
}

type Ports = Blueprint["ports"] & { readonly control: number };
type Servers = {
  readonly [name in "site" | "queue" | "tables" | "control"]: Pick<Listening, "port" | "url">;
} & { readonly postgres?: Postgres | undefined; readonly storage?: Listening | undefined };

const CONTROL_PORT = 4510;

/** URLs without a slash at the end. */
export interface Addresses extends Endpoints {
  /** Where other programs see what happens. */
  readonly control: string;
}

/** A port that was taken, and the one in its place. */
export interface MovedPort {
  readonly wanted: number;
  readonly port: number;
}

/** Everything that a stack describes, on this machine. {@link startLocalCloud} creates one. */
export class LocalCloud {
  /** Tells this run from others: a UUID. */
  readonly run: string;
  readonly events: EventStore;
  readonly addresses: Addresses;
  readonly moves: readonly MovedPort[];
  /** Resolves when every container was started, and the triggers take messages. */
  readonly ready: Promise<void>;

  private readonly stack: RunningStack;
  private readonly teardown: Teardown;
  private stopping: Promise<void> | undefined;

  constructor(
    run: string,
    events: EventStore,
    stack: RunningStack,
    { wanted, servers }: { readonly wanted: Ports; readonly servers: Servers },
    teardown: Teardown,
  ) {
    const { site, queue, tables, control, postgres, storage } = servers;
    this.run = run;
    this.events = events;
    this.stack = stack;
    this.teardown = teardown;
    this.ready = stack.current.ready;
    this.addresses = {
      ...{ site: site.url, queue: queue.url, tables: tables.url, control: control.url },
      ...(postgres && { postgres: addressOf(postgres) }),
      ...(storage && { storage: storage.url }),
    };
    this.moves = findMoved(wanted, servers);
  }

  /** What runs at the moment: another after `apply`. */
  blueprint(): Blueprint {
    return this.stack.current.blueprint;
  }

  /** Variables for programs that talk to it. */
  environment(): Variables {
    return clientEnvironment(this.blueprint(), this.addresses.site);
  }

  /** What Django's system checks find in the project, once its containers are ready. */
  async systemChecks(): Promise<readonly SystemCheck[]> {
    await this.ready;
    const { containers, blueprint } = this.stack.current;
    return await containers.systemChecks(blueprint.timers.map(({ name }) => name));
  }

  /** Names of containers that are not ready. */
  down(): readonly string[] {
    return this.stack.down();
  }

  /** Holds messages back in their queues, or hands them out again. Returns whether they are held. */
  togglePause(): boolean {
    return this.stack.togglePause();
  }

  /** Fires a timer now. Returns the status of the container's answer. */
  fire(timer: string): Promise<number> {
    return this.stack.current.timers.fire(timer);
  }

  /** Restarts the containers, for changed sources. */
  restart(): Promise<void> {
    return this.stack.current.containers.restart();
  }

  /** Runs another stack in place of this one. Queues, tables and what is in them stay. */
  apply(stack: string): Promise<void> {
    return this.stack.replace(stack);
  }

  /** Stops everything; no process is left. */
  stop(): Promise<void> {
    this.stopping ??= this.teardown.run();
    return this.stopping;
  }
}

/**
 * Starts everything that a synthesized stack describes: queues, tables, gateway, containers,
 * triggers, and a server by which other programs see what happens.
 *
 * Resolves as soon as all addresses answer; requests for containers wait until these are ready.
 *
 * @throws Error when the stack cannot be read, or no port is free; nothing is left running then
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
  const { ports, table, postgres: spec, media } = readServices(options.stack);
  const wanted: Ports = { control: CONTROL_PORT, ...ports, ...options.ports };
  const { queues, queue, tables } = await startServices(options, table, wanted, events, teardown);
  const postgres = await providePostgres(options, spec, wanted, teardown);
  const storage = await provideStorage(options, media, wanted, events, teardown);
  const endpoints = {
    ...{ queue: queue.url, tables: tables.url },
    ...(postgres && { postgres: addressOf(postgres) }),
    ...(storage && { storage: storage.url }),
  };
  const stack = new RunningStack({ ...options, endpoints, queues, report: events.report });
  teardown.add(() => stack.stop());
  await stack.run(options.stack, wanted.site);
  const { site, sitePort } = stack.current;
  const source = new LocalSource({
    ...{ events, queues, root: options.root, current: () => stack.current },
    actOnLetters: options.actOnLetters?.(queue.url),
  });
  const control = await startControl({
    ...{ events, run, source, port: wanted.control },
    timers: () => stack.current.blueprint.timers.map(({ name }) => name),
    fire: (timer) => stack.current.timers.fire(timer),
    peek: (name) => (queues.names.includes(name) ? queues.peek(name) : undefined),
    describe: () => ({
      ...{ run, pid: process.pid, addresses: { ...endpoints, site } },
      environment: clientEnvironment(stack.current.blueprint, site),
      ...stack.describe(),
    }),
  });
  teardown.add(() => control.close());
  const servers = {
    queue,
    tables,
    control,
    postgres,
    storage,
    site: { url: site, port: sitePort },
  };
  return new LocalCloud(run, events, stack, { wanted, servers }, teardown);
}

/** The services whose content outlives a stack. */
async function startServices(
  { data, docker }: LocalCloudOptions,
  table: string,
  ports: Ports,
  events: EventStore,
  teardown: Teardown,
) {
  const { report } = events;
  const journal = data === undefined ? undefined : await openQueueJournal(data);
  if (journal) teardown.add(() => journal.close());
  if (data !== undefined) teardown.add(await keepTasks(data, events));
  const hosts = docker ? [DOCKER_HOST] : [];
  const queues = new Queues({ report, journal });
  teardown.add(() => queues.close());
  reportKept(queues, report);
  const queue = await startQueueServer({
    ...{ queues, port: ports.queue, hosts, report, stackOnly: true },
  });
  teardown.add(() => queue.close());
  const directory = data === undefined ? undefined : join(data, "tables");
  const tables = await startTables({ table, port: ports.tables, hosts, directory, report });
  teardown.add(() => tables.close());
  return { queues, queue, tables };
}

/** The relational database of the stack, unless the user has one elsewhere. */
async function providePostgres(
  { data, cache, secrets = {}, progress = () => {}, signal }: LocalCloudOptions,
  spec: PostgresSpec | undefined,
  ports: Ports,
  teardown: Teardown,
): Promise<Postgres | undefined> {
  if (spec === undefined || secrets.DATABASE_URL !== undefined) return undefined;
  const postgres = await startPostgres({
    ...{ ...spec, password: LOCAL_PASSWORD, cache, progress },
    port: ports.postgres ?? 0,
    directory: data === undefined ? undefined : join(data, "postgres"),
    signal: signal ?? new AbortController().signal,
  });
  teardown.add(() => postgres.close());
  return postgres;
}

/** The bucket of uploads, for the containers, for programs beside them, and for the user's own key. */
async function provideStorage(
  { data, docker, secrets = {} }: LocalCloudOptions,
  bucket: string | undefined,
  ports: Ports,
  { report }: EventStore,
  teardown: Teardown,
): Promise<Listening | undefined> {
  if (bucket === undefined) return undefined;
  const { AWS_ACCESS_KEY_ID: own, AWS_SECRET_ACCESS_KEY: ownSecret } = secrets;
  const storage = await startStorage({
    ...{ bucket, port: ports.storage ?? 0, hosts: docker ? [DOCKER_HOST] : [], report },
    directory: data === undefined ? undefined : join(data, "storage"),
    keys: {
      [RUNTIME_KEY]: RUNTIME_KEY,
      [KEYS.AWS_ACCESS_KEY_ID]: KEYS.AWS_SECRET_ACCESS_KEY,
      ...(own !== undefined && ownSecret !== undefined && { [own]: ownSecret }),
    },
  });
  teardown.add(() => storage.close());
  return storage;
}

function addressOf({ host, port }: Postgres): string {
  return `${host}:${port}`;
}

function findMoved(wanted: Ports, servers: Servers): MovedPort[] {
  return (["site", "queue", "tables", "control", "postgres", "storage"] as const)
    .map((name) => ({ wanted: wanted[name] ?? 0, port: servers[name]?.port ?? 0 }))
    .filter(({ wanted, port }) => wanted !== 0 && port !== 0 && wanted !== port);
}
