import { join } from "node:path";
import type { Report } from "../events/event.ts";
import type { ContainerSpec, ReleaseSpec, Variables } from "../stack/blueprint.ts";
import { Condition } from "../support/until.ts";
import { Container, type ContainerStatus } from "./_container.ts";
import { environmentProblem, secretValues } from "./_environment.ts";
import { ImageLauncher } from "./_image-launcher.ts";
import { ProcessLauncher } from "./_process-launcher.ts";
import { runRelease } from "./_release.ts";
import { platformAnswer } from "./_send-request.ts";
import type { ContainerResponse, Invoke } from "./invoke.ts";
import type { Launcher, LauncherOptions } from "./launcher.ts";
import { runSystemChecks, type SystemCheck } from "./system-checks.ts";

/** A stack's containers, and what they are made from. */
export interface ContainersOptions extends LauncherOptions {
  readonly specs: readonly ContainerSpec[];
  /** Run before they start or restart; a command that fails leaves them as they are. @default - none */
  readonly releases?: readonly ReleaseSpec[];
  /** The user's own values for secrets, by variable. @default - made up, and kept in `cache` */
  readonly secrets?: Variables;
  readonly report: Report;
  /** Whether images are built and run in place of processes. @default false */
  readonly docker?: boolean | undefined;
}

// https://yandex.cloud/en/docs/serverless-containers/concepts/limits: for all containers of a cloud
// together, in one zone.
const CONCURRENT_REQUESTS = 10;

/**
 * The containers of a stack, each as one instance that serves as many requests at once as its
 * `concurrency` says. A request that finds it busy waits, as it would for another instance to
 * start; the eleventh of all is rejected with 429.
 */
export class Containers {
  private readonly options: ContainersOptions;
  private readonly launcher: Launcher;
  private readonly containers: ReadonlyMap<string, Container>;
  private readonly roomMayBe = new Condition();
  private readonly stopping = new AbortController();
  /** One container of each that share what was prepared for them. */
  private readonly prepared = new Map<Container, string>();
  private requests = 0;

  constructor(options: ContainersOptions) {
    this.options = options;
    this.launcher = options.docker ? new ImageLauncher(options) : new ProcessLauncher(options);
    this.containers = new Map(
      options.specs.map((spec) => [
        spec.name,
        new Container({
          ...{ spec, secrets: this.secretsOf(spec), report: options.report },
          root: options.root,
          onChange: () => this.roomMayBe.notify(),
        }),
      ]),
    );
  }

  /**
   * Makes what is needed and starts all containers. Each is ready then, or has crashed and is
   * started again and again: `states` tells.
   *
   * @throws Error when the cloud would reject one, or what it needs cannot be installed
   */
  async start(): Promise<void> {
    this.checkEnvironments();
    // What a run that was killed has left.
    await this.cleanUp();
    await this.startAll();
  }

  /** Calls a container by name. */
  readonly invoke: Invoke = async (name, request) => {
    const container = this.containers.get(name);
    if (container === undefined) return platformAnswer(404, this.unknown(name));
    if (this.requests >= CONCURRENT_REQUESTS) return this.noCapacity(name);
    this.requests += 1;
    try {
      return await container.handle(request);
    } finally {
      this.requests -= 1;
      this.roomMayBe.notify();
    }
  };

  /** Whether a request would be worked on at once. */
  hasRoom(name: string): boolean {
    return this.requests < CONCURRENT_REQUESTS && this.find(name).hasRoom;
  }

  /** Requests that a container works on at once. */
  concurrencyOf(name: string): number {
    return this.find(name).spec.concurrency;
  }

  /** Waits until `hasRoom`, or until `signal` is aborted. */
  async whenRoom(name: string, signal: AbortSignal): Promise<void> {
    await this.roomMayBe.until(() => this.hasRoom(name), signal);
  }

  /** Restarts all containers, with changed sources and requirements. */
  async restart(): Promise<void> {
    await this.startAll();
  }

  /** Ends all, for good. No process is left. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error("The containers are being stopped."));
    await Promise.all([...this.containers.values()].map((container) => container.stop()));
    await this.cleanUp();
  }

  /**
   * What Django's system checks find in the containers' projects, by the environment that they would
   * have in the cloud. With images nobody is asked.
   *
   * @param timers names of the stack's timers
   */
  async systemChecks(timers: readonly string[]): Promise<readonly SystemCheck[]> {
    if (this.options.docker) return [];
    const asked = [...this.prepared].map(([{ spec, secrets }, prepared]) => {
      const command = this.launcher.command(spec, prepared, 0, secrets);
      return runSystemChecks(command, timers, this.stopping.signal);
    });
    // What is wrong with a project that cannot even be loaded, its container tells.
    return (await Promise.all(asked)).flatMap((found) => found ?? []);
  }

  /** How each container is. */
  get states(): readonly ContainerStatus[] {
    return [...this.containers.values()].map((container) => container.status);
  }

  private async startAll(): Promise<void> {
    const groups = new Map<string, Container[]>();
    for (const container of this.containers.values()) {
      const key = this.launcher.keyOf(container.spec);
      groups.set(key, [...(groups.get(key) ?? []), container]);
    }
    const made = new Map<string, string>();
    await Promise.all(
      [...groups].map(async ([key, group]) => made.set(key, await this.prepare(group))),
    );
    const madeFor = (spec: ContainerSpec) => made.get(this.launcher.keyOf(spec)) ?? "";
    await this.runReleases(madeFor);
    await Promise.all(
      [...this.containers.values()].map((it) => this.startOne(it, madeFor(it.spec))),
    );
  }

  private async prepare(group: readonly Container[]): Promise<string> {
    const [first] = group;
    if (first === undefined) return "";
    const { signal } = this.stopping;
    const progress = (step: string) => {
      for (const container of group) container.isInstalling(step);
    };
    const warn = (message: string) => first.warn(message);
    const prepared = await this.launcher.prepare(first.spec, { progress, warn, signal });
    signal.throwIfAborted();
    this.prepared.set(first, prepared);
    return prepared;
  }

  // They have the sources of the others, and so what was prepared for them.
  private async runReleases(madeFor: (spec: ContainerSpec) => string): Promise<void> {
    for (const release of this.options.releases ?? []) {
      const { container: spec } = release;
      const command = this.launcher.command(spec, madeFor(spec), 0, this.valuesOf(spec));
      await runRelease(release, command, this.stopping.signal);
    }
  }

  private async startOne(container: Container, prepared: string): Promise<void> {
    const { spec, secrets } = container;
    await container.start((port) => this.launcher.command(spec, prepared, port, secrets));
  }

  private async cleanUp(): Promise<void> {
    await Promise.all(this.options.specs.map((spec) => this.launcher.cleanUp?.(spec)));
  }

  private find(name: string): Container {
    const container = this.containers.get(name);
    if (container) return container;
    throw new Error(this.unknown(name));
  }

  private unknown(name: string): string {
    const known = [...this.containers.keys()].join(", ");
    return `Container ${name} is not in the stack (known: ${known}).`;
  }

  private secretsOf(spec: ContainerSpec): Record<string, string> {
    const { secrets = {}, report } = this.options;
    for (const name of spec.foreignSecrets.filter((key) => secrets[key] === undefined)) {
      report({
        type: "log",
        container: spec.name,
        level: "warning",
        message: `${name} is stored in Lockbox and is empty here. Set ${name}=… in .env.local`,
      });
    }
    return this.valuesOf(spec);
  }

  private valuesOf(spec: ContainerSpec): Record<string, string> {
    const { secrets = {}, cache } = this.options;
    return secretValues(spec, secrets, join(cache, "secrets.json"));
  }

  private checkEnvironments(): void {
    const { specs, releases = [] } = this.options;
    const all = [...specs, ...releases.map(({ container }) => container)];
    const problems = all.flatMap((spec) => {
      const message = environmentProblem(spec, this.valuesOf(spec));
      return message === undefined ? [] : [{ by: spec.name, message }];
    });
    if (problems.length === 0) return;
    const fix = "Shorten values of 'env' in config.ts, or move them into the image";
    for (const problem of problems) {
      this.options.report({ type: "refused", code: "InvalidArgument", ...problem, fix });
    }
    throw new Error(problems.map(({ message }) => `${message}. ${fix}.`).join("\n"));
  }

  private noCapacity(name: string): ContainerResponse {
    const message = `${CONCURRENT_REQUESTS} requests are running, and ${name} got one more`;
    const fix = "Yandex Cloud has this quota in each zone and raises it on request";
    this.options.report({ type: "refused", by: name, code: "429", message, fix });
    return platformAnswer(429, `${message}. ${fix}.`);
  }
}
