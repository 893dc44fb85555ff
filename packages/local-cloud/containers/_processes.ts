import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { ContainerSpec } from "../stack/blueprint.ts";
import { processEnvironment } from "./_environment.ts";
import { makeEnvironment } from "./_python-environment.ts";
import type { CommandFor, Runtime, RuntimeOptions } from "./_runtime.ts";

/** Runs containers as processes of a Python environment that is made from their requirements. */
export class Processes implements Runtime {
  private readonly options: RuntimeOptions;

  constructor(options: RuntimeOptions) {
    this.options = options;
  }

  async prepare(spec: ContainerSpec, progress: (step: string) => void): Promise<CommandFor> {
    const { root, cache, python: interpreter } = this.options;
    const source = resolve(root, spec.source);
    if (!existsSync(source)) {
      throw new Error(
        `${source} does not exist. Set 'image.context' in config.ts to the folder with the sources.`,
      );
    }
    const python = await makeEnvironment({
      source,
      requirements: spec.requirements,
      cache,
      python: interpreter,
      progress,
    });
    const [program = "", ...args] = spec.command;
    return (port, secrets) => ({
      program,
      args,
      cwd: source,
      env: processEnvironment(spec, secrets, { port, python }, process.env),
    });
  }

  async cleanUp(): Promise<void> {}
}
