import { readStack } from "../stack/read-stack.ts";
import { type Deployment, type DeploymentOptions, startDeployment } from "./deployment.ts";

const NEXT_TIMES = 5;
/** What outlives a stack and is not always there, as `config.ts` calls it. */
const STARTED_ONCE = ["media", "postgres"] as const;

/** The stack that runs at the moment; another can take its place. */
export class RunningStack {
  private readonly options: Omit<DeploymentOptions, "stack" | "sitePort">;
  private deployment: Deployment | undefined;

  constructor(options: Omit<DeploymentOptions, "stack" | "sitePort">) {
    this.options = options;
  }

  /** @throws Error while there is none: the last one could not be started */
  get current(): Deployment {
    if (this.deployment) return this.deployment;
    throw new Error("No stack is running. Fix the error above and start again.");
  }

  /** Runs a stack. @param sitePort the first gateway's port to try first, 0 for any */
  async run(stack: string, sitePort: number): Promise<void> {
    this.deployment = await startDeployment({ ...this.options, stack, sitePort });
  }

  /** Runs another one at the same address. A text that cannot be read changes nothing. */
  async replace(stack: string): Promise<void> {
    const { sitePort, site, triggers } = this.current;
    const next = readStack(stack, { ...this.options.endpoints, site });
    for (const field of STARTED_ONCE) {
      if (JSON.stringify(next[field]) === JSON.stringify(this.current.blueprint[field])) continue;
      throw new Error(
        `'${field}' has changed in config.ts. Stop, and start \`npm run local\` again.`,
      );
    }
    await this.current.stop();
    await this.run(stack, sitePort);
    if (triggers.paused) this.current.triggers.pause();
    await this.current.ready;
  }

  async stop(): Promise<void> {
    await this.deployment?.stop();
  }

  /** Names of containers that are not ready. */
  down(): string[] {
    return this.current.containers.states
      .filter(({ state }) => state !== "ready")
      .map(({ name }) => name);
  }

  /** Holds messages back in their queues, or hands them out again. Returns whether they are held. */
  togglePause(): boolean {
    const { triggers } = this.current;
    if (triggers.paused) triggers.resume();
    else triggers.pause();
    return triggers.paused;
  }

  /** What runs and in which state, for display. Holds no values of secrets. */
  describe() {
    const { queues } = this.options;
    const { blueprint, containers, triggers, timers } = this.current;
    const states = new Map(containers.states.map((status) => [status.name, status]));
    return {
      project: blueprint.project,
      paused: triggers.paused,
      containers: blueprint.containers.map((spec) => ({ ...spec, ...states.get(spec.name) })),
      queues: blueprint.queues.map((spec) => ({ ...spec, ...queues.counts(spec.name) })),
      queueTriggers: blueprint.queueTriggers,
      timers: blueprint.timers.map((spec) => ({
        ...spec,
        next: timers.next(spec.name, NEXT_TIMES),
      })),
      table: blueprint.table,
      skipped: blueprint.skipped,
    };
  }
}
