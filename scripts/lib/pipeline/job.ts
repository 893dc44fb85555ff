import type { Settings } from "../../../stacks/settings.ts";
import type { Environment } from "../shell/system.ts";
import { joinProblems, UserError } from "../shell/user-error.ts";

/** A job of a pipeline, and what it logs in with. */
export type Job = {
  readonly accountId: string;
  readonly secretId: string;
  /** Takes the variables. */
  readonly envFile: string;
} & (
  | { readonly host: "github"; readonly requestUrl: string; readonly requestToken: string }
  | { readonly host: "gitlab"; readonly idToken: string }
);

/** The flags that say what a job is for. */
export interface JobFlags {
  /** The code is under review. */
  readonly review: boolean;
  /** File for the variables, where the pipeline's host has none. */
  readonly to: string | undefined;
}

/** The job that the environment describes. @throws UserError with everything that is wrong with it */
export function readJob(env: Environment, settings: Settings, { review, to }: JobFlags): Job {
  const host = env.GITHUB_ACTIONS ? "github" : env.GITLAB_CI ? "gitlab" : undefined;
  if (!host) {
    throw new UserError(
      "This is not a job of GitHub Actions or GitLab CI (GITHUB_ACTIONS and GITLAB_CI are not set). On a laptop, run `yc init` instead.",
    );
  }
  const problems = [
    ...missing(env, [...HOST_VARIABLES[host], ...ACCOUNT_VARIABLES]),
    ...(host === "gitlab" ? gitLabProblems(env, to) : []),
    ...settingsProblems(settings, env, review),
  ];
  if (problems.length > 0) throw new UserError(joinProblems("The job cannot log in:", problems));
  const value = (name: string) => String(env[name]);
  const account = {
    accountId: value("YC_SERVICE_ACCOUNT_ID"),
    secretId: value("YC_LOCKBOX_SECRET_ID"),
  };
  if (host === "gitlab") {
    return { ...account, host, idToken: value("YC_ID_TOKEN"), envFile: String(to) };
  }
  return {
    ...{ ...account, host, envFile: value("GITHUB_ENV") },
    requestUrl: value("ACTIONS_ID_TOKEN_REQUEST_URL"),
    requestToken: value("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
  };
}

/** What to do when GitHub gives a job no token. */
export const ID_TOKEN_FIX =
  "Give the job `permissions: id-token: write`; a fork's pull request never gets a token";

const HOST_VARIABLES: Readonly<Record<Job["host"], readonly (readonly [string, string])[]>> = {
  github: [
    ["ACTIONS_ID_TOKEN_REQUEST_URL", ID_TOKEN_FIX],
    ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", ID_TOKEN_FIX],
    ["GITHUB_ENV", "Run this in a step of a job, where the runner sets it"],
  ],
  gitlab: [["YC_ID_TOKEN", "Declare it in the job's `id_tokens` with `aud: $CI_PROJECT_URL`"]],
};

const ACCOUNT_VARIABLES = [
  [
    "YC_SERVICE_ACCOUNT_ID",
    "Set the variable of the pipeline that names the job's service account",
  ],
  ["YC_LOCKBOX_SECRET_ID", "Set the variable of the pipeline that names the secret with the keys"],
] as const;

function missing(env: Environment, variables: readonly (readonly [string, string])[]): string[] {
  return variables
    .filter(([name]) => !env[name])
    .map(([name, fix]) => `${name} is not set. ${fix}.`);
}

function gitLabProblems(env: Environment, to: string | undefined): string[] {
  const problems = [];
  if (!to) {
    problems.push(
      'No file for the variables is given. Add `--to "$LOGIN"`, with LOGIN="$(mktemp)" before it.',
    );
  }
  if (env.CI_DEBUG_TRACE === "true" || env.CI_DEBUG_TRACE === "1") {
    problems.push(
      "CI_DEBUG_TRACE is on, and the log would show every key. Remove the variable for this job.",
    );
  }
  return problems;
}

function settingsProblems(settings: Settings, env: Environment, review: boolean): string[] {
  const problems = [];
  if (!settings.folderId && !env.YC_FOLDER_ID) {
    problems.push("YC_FOLDER_ID is not set. Set it as a variable of the pipeline.");
  }
  if (settings.backend.type === "local") {
    problems.push(
      'config.ts keeps the state in a file, which is gone with this machine. Set backend: { type: "s3", bucket: "…" }.',
    );
  }
  if (review && settings.queueKey === "stack") {
    problems.push(
      'config.ts has queueKey: "stack": the state then holds a key that may change every queue, and the plan of code under review reads the state. Set queueKey: "environment".',
    );
  }
  return problems;
}
