import { existsSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import {
  BAKE,
  BAKE_ENVIRONMENT,
  BAKE_TARGET,
  renderSources,
} from "../../../packages/local-cloud/containers/image-build.ts";
import { makeStageDirectory, stageDirectory } from "../../../stacks/directories.ts";
import type { Settings } from "../../../stacks/settings.ts";
import type { Access } from "../cloud/access.ts";
import { childEnvironment } from "../shell/child-environment.ts";
import { logFile } from "../shell/run-logs.ts";
import { type Environment, NOT_FOUND, type ProcessResult, type System } from "../shell/system.ts";
import { messageOf, UserError } from "../shell/user-error.ts";

/** Where Container Registry answers. */
export const HOST = "cr.yandex";

/** What an image is built for, and by whom. */
export interface BuildOptions {
  readonly system: System;
  readonly access: Access;
  readonly settings: Settings;
  /** `cr.yandex/<registry id>/<repository>`. */
  readonly repository: string;
  /** Build from the newest base image, without docker's cache. */
  readonly rebuild?: boolean;
  /** Is given docker's output line by line. */
  readonly report: (line: string) => void;
}

const metadataSchema = v.object({
  [BAKE_TARGET]: v.object({ "containerimage.digest": v.string() }),
});

/** Builds and pushes an image under all of the tags, and returns its digest. */
export async function buildImage(options: BuildOptions, tags: readonly string[]): Promise<string> {
  const { system, settings, repository, rebuild } = options;
  await logIn(options);
  const metadata = join(stageDirectory(settings.stage), "build.json");
  makeStageDirectory(settings.stage, system.root);
  rmSync(join(system.root, metadata), { force: true });
  const references = tags.map((tag) => `${repository}:${tag}`);
  const args = renderBuild(settings, references, metadata, rebuild);
  const result = await system.run("docker", args, {
    env: { ...childEnvironment(system.env, "docker"), ...BAKE_ENVIRONMENT },
    logFile: logFile(system, settings.stage, "image"),
    onLine: options.report,
  });
  if (result.exitCode !== 0) throw dockerError("Building and pushing the image", result);
  const written: unknown = JSON.parse(readFileSync(join(system.root, metadata), "utf8"));
  return v.parse(metadataSchema, written)[BAKE_TARGET]["containerimage.digest"];
}

/**
 * Builds the project's own image, unchanged, and on top of it the one that is pushed. One manifest
 * and no index: the lifecycle policy would remove an index's untagged parts.
 */
export function renderBuild(
  { image }: Settings,
  references: readonly string[],
  metadata: string,
  rebuild = false,
): string[] {
  return [
    ...BAKE,
    ...renderSources(image.context, image.dockerfile),
    "--set=*.platform=linux/amd64",
    "--provenance=false",
    "--sbom=false",
    ...(rebuild ? ["--pull", "--no-cache"] : []),
    "--push",
    "--metadata-file",
    metadata,
    ...references.map((reference) => `--set=${BAKE_TARGET}.tags=${reference}`),
    BAKE_TARGET,
  ];
}

async function logIn({ system, access }: BuildOptions): Promise<void> {
  if (!access.given && hasCredentialHelper(system.env)) return;
  const args = ["login", "--username", "iam", "--password-stdin", HOST];
  const env = childEnvironment(system.env, "docker");
  const result = await system.run("docker", args, { env, input: await access.token() });
  if (result.exitCode !== 0) throw dockerError(`Logging in to ${HOST}`, result);
}

/** Whether docker fetches a token for the registry by itself. */
export function hasCredentialHelper(env: Environment): boolean {
  const file = join(env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker"), "config.json");
  if (!existsSync(file)) return false;
  const schema = v.object({ credHelpers: v.optional(v.record(v.string(), v.string()), {}) });
  const config = v.safeParse(schema, parseDockerConfig(file));
  return config.success && config.output.credHelpers[HOST] !== undefined;
}

function parseDockerConfig(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(
      `${file} cannot be read as JSON (${messageOf(error)}). Fix it, or remove it and log in again with \`docker login\`.`,
      { cause: error },
    );
  }
}

/** What to do about a `docker` that did not do its work. */
export function dockerError(what: string, { exitCode, stdout, stderr }: ProcessResult): UserError {
  if (exitCode === NOT_FOUND) {
    return new UserError(
      "`docker` is not installed. Install it (https://docs.docker.com/engine/install/), or give an image that was built elsewhere with --image.",
    );
  }
  const output = `${stdout}\n${stderr}`.trim();
  if (/Cannot connect to the Docker daemon/i.test(output)) {
    return new UserError(
      "Docker is not running. Start it, or give an image that was built elsewhere with --image.",
    );
  }
  const hint = /denied|unauthorized/i.test(output)
    ? "\nGrant container-registry.images.pusher on the registry to this account."
    : "";
  const reason = output.split("\n").slice(-15).join("\n");
  return new UserError(`${what} failed (docker exited ${exitCode}): ${reason}${hint}`);
}
