import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { ContainerSpec, Variables } from "../stack/blueprint.ts";
import { DOCKER_HOST } from "../support/guard.ts";
import type { ProcessCommand } from "../support/owned-process.ts";
import { runProgram, withLastLines } from "../support/run-program.ts";
import { containerVariables } from "./_environment.ts";
import { hashText } from "./_hash.ts";
import { BAKE, BAKE_ENVIRONMENT, BAKE_TARGET, renderSources } from "./image-build.ts";
import type { Launcher, LauncherOptions, Preparation } from "./launcher.ts";

/** Runs containers as images that are built from their sources, with the docker of the machine. */
export class ImageLauncher implements Launcher {
  private readonly root: string;
  private readonly platform: NodeJS.Platform;

  constructor({ root }: Pick<LauncherOptions, "root">, platform = process.platform) {
    this.root = root;
    this.platform = platform;
  }

  keyOf({ source, dockerfile }: ContainerSpec): string {
    return join(source, dockerfile);
  }

  async prepare(spec: ContainerSpec, { progress, signal }: Preparation): Promise<string> {
    const source = resolve(this.root, spec.source);
    const dockerfile = join(source, spec.dockerfile);
    if (!existsSync(dockerfile)) {
      throw new Error(
        `${dockerfile} does not exist. Set 'image' in config.ts to where the Dockerfile is, or run without --docker.`,
      );
    }
    const project = basename(this.root)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-");
    const image = `local-${project}-${hashText(dockerfile)}`;
    progress("building the image");
    const args = ["--progress=plain", "--load", `--set=${BAKE_TARGET}.tags=${image}`, BAKE_TARGET];
    const { code, lines } = await runProgram(
      "docker",
      [...BAKE, ...renderSources(source, spec.dockerfile), ...args],
      {
        cwd: this.root,
        env: { ...process.env, ...BAKE_ENVIRONMENT },
        signal,
        onLine: (line) => {
          const [, step] = /^#\d+ (\[.*)$/.exec(line) ?? [];
          if (step !== undefined) progress(step.slice(0, 70));
        },
      },
    );
    if (code !== 0) throw buildFailed(source, code, lines);
    return image;
  }

  command(spec: ContainerSpec, image: string, port: number, secrets: Variables): ProcessCommand {
    const variables = this.variables(spec, secrets, port);
    return {
      program: "docker",
      args: this.runArguments(spec, image, port, Object.keys(variables)),
      cwd: this.root,
      // Values are passed through docker's own environment: arguments show in lists of processes.
      env: { ...dockerEnvironment(), ...variables },
    };
  }

  /** A container outlives the client that has started it when that is killed. */
  async cleanUp(spec: ContainerSpec): Promise<void> {
    const filter = `--filter=label=${this.labelOf(spec)}`;
    const { lines } = await runProgram("docker", ["ps", "--all", "--quiet", filter]);
    const ids = lines.filter((line) => /^[0-9a-f]{12,64}$/.test(line));
    if (ids.length > 0) await runProgram("docker", ["rm", "--force", ...ids]);
  }

  private runArguments(
    spec: ContainerSpec,
    image: string,
    port: number,
    variables: readonly string[],
  ): string[] {
    const [program, ...args] = spec.command;
    return [
      "run",
      "--rm",
      "--init",
      `--label=${this.labelOf(spec)}`,
      `--memory=${spec.memoryMib}m`,
      ...(this.sharesNetwork
        ? ["--network=host"]
        : [`--publish=127.0.0.1:${port}:${port}`, `--add-host=${DOCKER_HOST}:host-gateway`]),
      ...variables.map((name) => `--env=${name}`),
      ...(program === undefined ? [] : [`--entrypoint=${program}`]),
      image,
      ...args,
    ];
  }

  // On Linux the services of loopback are out of reach through the bridge's gateway; elsewhere
  // docker's own machine forwards them.
  private get sharesNetwork(): boolean {
    return this.platform === "linux";
  }

  private variables(spec: ContainerSpec, secrets: Variables, port: number): Record<string, string> {
    const shared = this.sharesNetwork;
    const variables = containerVariables(spec, secrets, port, shared ? "127.0.0.1" : "0.0.0.0");
    if (shared) return variables;
    return Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [
        name,
        value.replaceAll(/(?<=\/\/)(?:localhost|127\.0\.0\.1)(?=[:/]|$)/g, DOCKER_HOST),
      ]),
    );
  }

  private labelOf({ name }: ContainerSpec): string {
    return `local-cloud=${name}-${hashText(this.root)}`;
  }
}

function dockerEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) =>
    /^(?:PATH|HOME|XDG_RUNTIME_DIR|DOCKER_.*)$/.test(name),
  );
  return Object.fromEntries(own.map(([name, value]) => [name, value ?? ""]));
}

function buildFailed(source: string, code: number, lines: readonly string[]): Error {
  if (code === 127) {
    return new Error("Docker is not installed. Install it, or run without --docker.");
  }
  const sentence = `The image of ${source} could not be built (docker exited with code ${code}).`;
  return new Error(withLastLines(sentence, lines));
}
