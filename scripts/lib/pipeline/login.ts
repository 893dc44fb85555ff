import { appendFileSync, chmodSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { parseObject } from "../../../packages/local-cloud/support/json.ts";
import type { Settings } from "../../../stacks/settings.ts";
import { CloudApi, CloudApiError, request, serviceUrl } from "../cloud/cloud-api.ts";
import { type CommandDefinition, type FlagValues, STAGE } from "../shell/command-line.ts";
import type { System } from "../shell/system.ts";
import { joinProblems, UserError } from "../shell/user-error.ts";
import { ID_TOKEN_FIX, type Job, readJob } from "./job.ts";

const AUTH_URL = "https://auth.yandex.cloud";
const LOCKBOX = "payload.lockbox";
const STATE_KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
const QUEUE_KEYS = ["YC_MESSAGE_QUEUE_ACCESS_KEY", "YC_MESSAGE_QUEUE_SECRET_KEY"];

/** The command `npm run pipeline-login`. */
export const PIPELINE_LOGIN = {
  name: "pipeline-login",
  summary:
    "Logs a pipeline's job in: its OIDC token becomes an IAM token, static keys come from Lockbox.",
  flags: {
    stage: STAGE,
    review: {
      type: "boolean",
      help: "for code under review: the key of the state alone, no key of queues",
    },
    to: { type: "string", value: "file", help: "file for the variables, to be sourced (GitLab)" },
  },
  notes: [
    "YC_SERVICE_ACCOUNT_ID  the account to act as",
    "YC_LOCKBOX_SECRET_ID   the secret whose entries are named like the variables to set:",
    `                       ${STATE_KEYS.join(", ")}, and with`,
    "                       queueKey: 'environment' also",
    `                       ${QUEUE_KEYS.join(", ")}`,
    "",
    "On GitHub the variables are masked and handed to the steps that follow.",
  ],
} as const satisfies CommandDefinition;

type Flags = FlagValues<typeof PIPELINE_LOGIN.flags>;

/**
 * Logs a job in, and hands YC_TOKEN and the static keys to what runs after it in the same job.
 *
 * No value is printed except in GitHub's masking command, which the runner swallows.
 */
export async function pipelineLogin(
  system: System,
  settings: Settings,
  flags: Flags,
): Promise<void> {
  const job = readJob(system.env, settings, flags);
  const mask = (value: string) => {
    if (job.host === "github") system.say(`::add-mask::${value}`);
  };
  const idToken = await findIdToken(system, job);
  mask(idToken);
  const token = await exchangeToken(system, job.accountId, idToken);
  mask(token);
  const names = neededKeys(settings, flags.review);
  const keys = pickKeys(await readSecret(system, job.secretId, token), names, job.secretId);
  for (const value of Object.values(keys)) mask(value);
  handOver(job, { YC_TOKEN: token, ...keys });
  system.say(`Logged in as ${job.accountId}. Set: ${["YC_TOKEN", ...names].join(", ")}`);
}

function neededKeys(settings: Settings, review: boolean): readonly string[] {
  const queues = !review && settings.queueKey === "environment";
  return queues ? [...STATE_KEYS, ...QUEUE_KEYS] : STATE_KEYS;
}

async function findIdToken(system: System, job: Job): Promise<string> {
  if (job.host === "gitlab") return job.idToken;
  const response = await request(system, job.requestUrl, {
    headers: { authorization: `Bearer ${job.requestToken}` },
  });
  const token = parseObject(await response.text())?.value;
  if (response.ok && isOneWord(token)) return token;
  throw new UserError(`GitHub gave no OIDC token (${response.status}). ${ID_TOKEN_FIX}.`);
}

/** An IAM token of a service account for an OIDC token of its workload. */
export async function exchangeToken(
  system: System,
  accountId: string,
  idToken: string,
): Promise<string> {
  const base = system.env.YC_API_URL ? serviceUrl(system.env, "auth") : AUTH_URL;
  const response = await request(system, `${base}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      audience: accountId,
      subject_token: idToken,
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    }),
  });
  const body = parseObject(await response.text()) ?? {};
  if (response.ok && isOneWord(body.access_token)) return body.access_token;
  const reason = body.error_description ?? body.message ?? body.error ?? "no explanation";
  throw new UserError(
    [
      `The job is not allowed to act as ${accountId} (${response.status}): ${String(reason).replaceAll(idToken, "…")}.`,
      "Its federated credential must name exactly this workload:",
      ...describeWorkload(idToken),
    ].join("\n"),
  );
}

function describeWorkload(idToken: string): string[] {
  const payload = Buffer.from(idToken.split(".")[1] ?? "", "base64url").toString();
  const claims = parseObject(payload) ?? {};
  return [
    `  external subject  ${claims.sub}`,
    `  issuer            ${claims.iss}`,
    `  audience          ${claims.aud}`,
  ];
}

async function readSecret(system: System, secretId: string, token: string): Promise<unknown> {
  const api = new CloudApi(system, { given: true, token: () => Promise.resolve(token) });
  try {
    return await api.get(LOCKBOX, `/lockbox/v1/secrets/${secretId}/payload`);
  } catch (error) {
    if (!(error instanceof CloudApiError) || ![403, 404].includes(error.status)) throw error;
    throw new UserError(
      `Secret ${secretId} cannot be read: ${error.message}. Check YC_LOCKBOX_SECRET_ID, and grant lockbox.payloadViewer on the secret to the job's account.`,
      { cause: error },
    );
  }
}

/** The entries that are needed, and no others: a secret must not be able to set PATH or NODE_OPTIONS. */
export function pickKeys(
  payload: unknown,
  names: readonly string[],
  secretId: string,
): Record<string, string> {
  const entries = parsePayload(payload);
  const absent = names.filter((name) => !entries.has(name));
  const broken = names.filter((name) => entries.has(name) && !isOneWord(entries.get(name)));
  const problems = [
    ...absent.map((name) => `Secret ${secretId} has no text entry ${name}. Add it.`),
    ...broken.map(
      (name) =>
        `Entry ${name} of secret ${secretId} is empty, or has a space or a line break. Store the key alone.`,
    ),
  ];
  if (problems.length > 0) throw new UserError(joinProblems("The keys are not usable:", problems));
  return Object.fromEntries(names.map((name) => [name, entries.get(name) ?? ""]));
}

const payloadSchema = v.object({
  // A binary entry has no text.
  entries: v.optional(
    v.array(v.object({ key: v.string(), textValue: v.optional(v.string()) })),
    [],
  ),
});

function parsePayload(payload: unknown): Map<string, string> {
  const { entries } = v.parse(payloadSchema, payload);
  return new Map(
    entries.flatMap(({ key, textValue }) => (textValue === undefined ? [] : [[key, textValue]])),
  );
}

function handOver(job: Job, variables: Readonly<Record<string, string>>): void {
  const lines = Object.entries(variables).map(([name, value]) =>
    job.host === "github"
      ? `${name}=${value}\n`
      : `export ${name}='${value.replaceAll("'", "'\\''")}'\n`,
  );
  if (job.host === "gitlab") {
    writeFileSync(job.envFile, "", { mode: 0o600 });
    // A file that was there before keeps its own mode.
    chmodSync(job.envFile, 0o600);
  }
  appendFileSync(job.envFile, lines.join(""));
}

function isOneWord(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
}
