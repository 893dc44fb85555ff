import * as v from "valibot";
import type { Settings } from "../../../stacks/settings.ts";
import { oldestTerraform } from "../../../stacks/terraform-files.ts";
import { type Access, credentialProblem, findFolder } from "../cloud/access.ts";
import { CloudApi, CloudApiError } from "../cloud/cloud-api.ts";
import { dockerError, hasCredentialHelper } from "../image/docker.ts";
import { isUnchanged, sourceHashOf } from "../image/image.ts";
import { parseImage } from "../image/registry-images.ts";
import { childEnvironment } from "../shell/child-environment.ts";
import { NOT_FOUND, type ProcessResult, type System } from "../shell/system.ts";
import { joinProblems, messageOf, UserError } from "../shell/user-error.ts";
import { missingTerraform, terraformBinary } from "../terraform/environment.ts";
import { proveLock } from "../terraform/state-lock.ts";
import { synthesize } from "../terraform/synthesize.ts";

const PROBE_SECONDS = 20;

/** One thing that has to be so before anything is touched. */
export interface Check {
  /** A sentence that holds when the check passes. */
  readonly title: string;
  readonly enabled?: boolean;
  /** Throws what is wrong and how to fix it. */
  readonly task: () => Promise<unknown> | unknown;
}

/** What the checks depend on. */
export interface PreflightOptions {
  readonly system: System;
  readonly settings: Settings;
  readonly access: Access;
  /** An image pushed by someone else; docker is not needed then. */
  readonly image?: string | undefined;
  /** The image is built although its sources are unchanged. */
  readonly rebuild?: boolean;
}

/** What has to hold before a deploy. One of them synthesizes: that is where a configuration is rejected. */
export function deployChecks(options: PreflightOptions): Check[] {
  const { system, settings, access, image } = options;
  const { backend, queueKey } = settings;
  const sourceHash = once(() => sourceHashOf(system, settings));
  return [
    { title: "Terraform is installed", task: () => checkTerraform(system, settings) },
    {
      title: "The given image is one by digest",
      enabled: Boolean(image),
      task: () => parseImage(String(image)),
    },
    {
      title: "The image's sources are there",
      enabled: !image,
      task: sourceHash,
    },
    { title: "Docker is running", enabled: !image, task: () => checkDocker(options, sourceHash) },
    {
      title: "Docker's configuration can be read",
      enabled: !image && !access.given,
      task: () => hasCredentialHelper(system.env),
    },
    {
      title: "Yandex Cloud would accept the stacks",
      task: () => synthesize(system, settings.stage),
    },
    { title: "Credentials are unambiguous", task: () => checkCredentials(system) },
    { title: "Logged in to Yandex Cloud", task: () => access.token() },
    { title: "The folder can be reached", task: () => checkFolder(options) },
    {
      title: "The key for the queues is in the environment",
      enabled: queueKey === "environment",
      task: () => checkQueueKey(system),
    },
    {
      title: "The state's bucket can lock",
      enabled: backend.type === "s3",
      task: () => backend.type === "s3" && proveLock(system, backend),
    },
  ];
}

/** Runs all checks and throws all problems at once. */
export async function runChecks(checks: readonly Check[]): Promise<void> {
  const results = await Promise.allSettled(
    checks.filter(({ enabled = true }) => enabled).map(async ({ task }) => task()),
  );
  const problems = results
    .filter((result) => result.status === "rejected")
    .map(({ reason }) => messageOf(reason));
  if (problems.length === 0) return;
  throw new UserError(joinProblems("Nothing was changed. Fix this first:", [...new Set(problems)]));
}

/** Whether a version such as `1.11.4` is at least another such as `1.10`. */
export function isAtLeast(version: string, oldest: string): boolean {
  const found = version.split(".").map(Number);
  const least = oldest.split(".").map(Number);
  const place = least.findIndex((part, index) => part !== (found[index] ?? 0));
  return place === -1 || (found[place] ?? 0) > (least[place] ?? 0);
}

const versionSchema = v.object({ terraform_version: v.string() });

async function checkTerraform(system: System, { backend }: Settings): Promise<void> {
  const binary = terraformBinary(system.env);
  const env = childEnvironment(system.env, "terraform");
  const probe = { env, timeoutSeconds: PROBE_SECONDS };
  const result = await system.run(binary, ["version", "-json"], probe);
  if (result.exitCode === NOT_FOUND) throw new UserError(missingTerraform(binary));
  const { terraform_version: version } = parseVersion(binary, result);
  const oldest = oldestTerraform(backend.type === "local");
  if (isAtLeast(version, oldest)) return;
  const why = backend.type === "s3" ? ", because the state is kept in Object Storage" : "";
  throw new UserError(`\`${binary}\` is ${version}. Install ${oldest} or newer${why}.`);
}

function parseVersion(binary: string, { exitCode, stdout, stderr }: ProcessResult) {
  try {
    return v.parse(versionSchema, JSON.parse(stdout));
  } catch (error) {
    throw new UserError(
      `\`${binary} version\` failed (exit code ${exitCode}): ${stderr.trim()}. Reinstall it.`,
      { cause: error },
    );
  }
}

async function checkDocker(options: PreflightOptions, sourceHash: () => string): Promise<void> {
  const { system } = options;
  if (!willBuild(options, sourceHash)) return;
  const env = childEnvironment(system.env, "docker");
  const probe = { env, timeoutSeconds: PROBE_SECONDS };
  const daemon = await system.run("docker", ["info"], probe);
  if (daemon.exitCode !== 0) throw dockerError("`docker info`", daemon);
  const buildx = await system.run("docker", ["buildx", "version"], probe);
  if (buildx.exitCode === 0) return;
  throw new UserError("Docker has no buildx. Install it: https://docs.docker.com/go/buildx/.");
}

// Whatever is wrong with the sources is reported by a check of its own.
function willBuild({ system, settings, rebuild }: PreflightOptions, sourceHash: () => string) {
  try {
    return rebuild || !isUnchanged(system, settings, sourceHash);
  } catch {
    return true;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function checkCredentials(system: System): void {
  const problem = credentialProblem(system);
  if (problem) throw new UserError(problem);
}

// A role that may deploy need not be one that may look at the folder, hence no word about a 403.
async function checkFolder({ system, settings, access }: PreflightOptions): Promise<void> {
  const folder = await findFolder(system, settings);
  const path = `/resource-manager/v1/folders/${folder}`;
  try {
    await new CloudApi(system, access).get("resource-manager", path);
  } catch (error) {
    const status = error instanceof CloudApiError ? error.status : undefined;
    if (status === 403) return;
    if (status !== 404) throw error;
    throw new UserError(
      `Folder ${folder} does not exist. Check 'folderId' in config.ts or YC_FOLDER_ID.`,
      { cause: error },
    );
  }
}

function checkQueueKey({ env }: System): void {
  if (env.YC_MESSAGE_QUEUE_ACCESS_KEY && env.YC_MESSAGE_QUEUE_SECRET_KEY) return;
  throw new UserError(
    "YC_MESSAGE_QUEUE_ACCESS_KEY and YC_MESSAGE_QUEUE_SECRET_KEY are not set, but 'queueKey' is \"environment\" in config.ts. Set them to a static key of an account with ymq.admin.",
  );
}
