import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ContainerSpec, Variables } from "../stack/blueprint.ts";
import type { ProcessCommand } from "../support/owned-process.ts";
import { processEnvironment } from "./_environment.ts";
import { findLayer, makeLayer } from "./_layer.ts";
import {
  type EnvironmentOptions,
  findEnvironment,
  makeEnvironment,
} from "./_python-environment.ts";
import { findWorkdir } from "./_workdir.ts";
import type { Launcher, LauncherOptions, Preparation } from "./launcher.ts";

/** Runs containers as processes in a Python environment that is created from their requirements. */
export class ProcessLauncher implements Launcher {
  private readonly options: LauncherOptions;
  private layer = "";

  constructor(options: LauncherOptions) {
    this.options = options;
  }

  keyOf({ source, requirements }: ContainerSpec): string {
    return join(source, requirements ?? "");
  }

  async prepare(spec: ContainerSpec, work: Preparation): Promise<string> {
    const source = this.sourceOf(spec);
    if (!existsSync(source)) {
      throw new Error(
        `${source} does not exist. Set 'image.context' in config.ts to the folder with the sources.`,
      );
    }
    const { root, cache } = this.options;
    const environment = await makeEnvironment({ ...this.environmentOf(spec), ...work });
    this.layer = await makeLayer({ root, cache, environment, ...work });
    return environment;
  }

  /** Where what `prepare` makes is, if all of it is there. */
  find(spec: ContainerSpec): string | undefined {
    const environment = findEnvironment(this.environmentOf(spec));
    this.layer = findLayer(this.options) ?? "";
    return this.layer === "" ? undefined : environment;
  }

  command(spec: ContainerSpec, python: string, port: number, secrets: Variables): ProcessCommand {
    const [program = "", ...args] = spec.command;
    const place = { port, python, layer: this.layer };
    const env = processEnvironment(spec, secrets, place, process.env);
    return { program, args, cwd: findWorkdir(this.options.root, spec), env };
  }

  private environmentOf({ requirements, dockerfile, ...spec }: ContainerSpec): EnvironmentOptions {
    const { cache, python } = this.options;
    const source = this.sourceOf(spec);
    return { source, requirements, dockerfile, cache, python };
  }

  private sourceOf({ source }: Pick<ContainerSpec, "source">): string {
    return resolve(this.options.root, source);
  }
}
