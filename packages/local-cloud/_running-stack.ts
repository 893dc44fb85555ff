import { type Runtime, type RuntimeOptions, startRuntime } from "./_deployment.ts";
import { readStack } from "./stack/read-stack.ts";

/** The stack that runs at the moment; another can take its place. */
export class RunningStack {
  private readonly options: Omit<RuntimeOptions, "stack" | "sitePort">;
  private runtime: Runtime | undefined;

  constructor(options: Omit<RuntimeOptions, "stack" | "sitePort">) {
    this.options = options;
  }

  get current(): Runtime {
    if (this.runtime) return this.runtime;
    throw new Error("No stack runs. Mend what is said above, and start again.");
  }

  async run(stack: string, sitePort: number): Promise<void> {
    this.runtime = await startRuntime({ ...this.options, stack, sitePort });
  }

  /** Runs another one at the same address. A text that cannot be read changes nothing. */
  async replace(stack: string): Promise<void> {
    const { sitePort, site } = this.current;
    readStack(stack, { ...this.options.endpoints, site });
    await this.current.stop();
    await this.run(stack, sitePort);
    await this.current.ready;
  }

  async stop(): Promise<void> {
    await this.runtime?.stop();
  }

  /** Names of containers that are not ready. */
  down(): string[] {
    return this.current.containers.states
      .filter(({ state }) => state !== "ready")
      .map(({ name }) => name);
  }

  /** Holds messages back in their queues, or hands them out again. Gives back whether they are held. */
  togglePause(): boolean {
    const { triggers } = this.current;
    if (triggers.paused) triggers.resume();
    else triggers.pause();
    return triggers.paused;
  }
}
