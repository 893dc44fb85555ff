import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pipelineLogin } from "../../../scripts/lib/pipeline/login.ts";
import type { Environment, System } from "../../../scripts/lib/shell/system.ts";
import { resolveSettings } from "../../../stacks/settings.ts";

const CONFIG = {
  project: "shop",
  celeryApp: "shop.celery:app",
  backend: { type: "s3", bucket: "state" },
  queueKey: "environment",
};
const JWT = `head.${Buffer.from(JSON.stringify({ sub: "repo:o/r:pull_request", iss: "https://issuer", aud: "https://github.com/o" })).toString("base64url")}.signature`;
const KEYS = {
  AWS_ACCESS_KEY_ID: "state-id",
  AWS_SECRET_ACCESS_KEY: "state-secret",
  YC_MESSAGE_QUEUE_ACCESS_KEY: "queue-id",
  YC_MESSAGE_QUEUE_SECRET_KEY: "queue-secret",
};

let scratch: string;
let envFile: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "pipeline-login-"));
  envFile = join(scratch, "env");
});

afterEach(() => rmSync(scratch, { recursive: true, force: true }));

describe("on GitHub", () => {
  test("asks for an OIDC token, exchanges it and reads the secret", async () => {
    const { requests } = await login(gitHub());

    expect(requests).toEqual([
      {
        method: "GET",
        url: "https://runner.example/token?v=1",
        authorization: "Bearer request-token",
      },
      {
        method: "POST",
        url: "https://auth.yandex.cloud/oauth/token",
        form: {
          grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
          requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
          audience: "aje-account",
          subject_token: JWT,
          subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
        },
      },
      {
        method: "GET",
        url: "https://payload.lockbox.api.cloud.yandex.net/lockbox/v1/secrets/e6q-secret/payload",
        authorization: "Bearer t1.iam",
      },
    ]);
  });

  test("hands the variables to the steps that follow, after masking every value", async () => {
    writeFileSync(envFile, "BEFORE=1\n");

    const { output } = await login(gitHub());

    expect(readFileSync(envFile, "utf8")).toBe(
      `BEFORE=1\nYC_TOKEN=t1.iam\n${Object.entries(KEYS)
        .map(([name, value]) => `${name}=${value}\n`)
        .join("")}`,
    );
    expect(output).toEqual([
      `::add-mask::${JWT}`,
      "::add-mask::t1.iam",
      "::add-mask::state-id",
      "::add-mask::state-secret",
      "::add-mask::queue-id",
      "::add-mask::queue-secret",
      "Logged in as aje-account. Set: YC_TOKEN, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, YC_MESSAGE_QUEUE_ACCESS_KEY, YC_MESSAGE_QUEUE_SECRET_KEY",
    ]);
  });

  test("takes no key of queues for code under review", async () => {
    await login(gitHub(), { review: true });
    expect(readFileSync(envFile, "utf8")).toBe(
      "YC_TOKEN=t1.iam\nAWS_ACCESS_KEY_ID=state-id\nAWS_SECRET_ACCESS_KEY=state-secret\n",
    );
  });

  test("takes no key of queues when the stack makes its own", async () => {
    await login(gitHub(), { config: { ...CONFIG, queueKey: "stack" } });
    expect(readFileSync(envFile, "utf8")).not.toContain("YC_MESSAGE_QUEUE");
  });

  test("lets no other entry of the secret into the environment", async () => {
    await login(gitHub(), { entries: { ...KEYS, NODE_OPTIONS: "--require=evil", PATH: "/evil" } });
    expect(readFileSync(envFile, "utf8")).not.toMatch(/evil/);
  });

  test("is redirected as a whole by YC_API_URL", async () => {
    const { requests } = await login({ ...gitHub(), YC_API_URL: "http://127.0.0.1:1/{service}" });
    expect(requests.slice(1).map(({ url }) => url)).toEqual([
      "http://127.0.0.1:1/auth/oauth/token",
      "http://127.0.0.1:1/payload.lockbox/lockbox/v1/secrets/e6q-secret/payload",
    ]);
  });
});

describe("on GitLab", () => {
  test("writes a file that a shell can source and nobody else can read, and prints no value", async () => {
    writeFileSync(envFile, "left over", { mode: 0o644 });
    const entries = { ...KEYS, AWS_SECRET_ACCESS_KEY: "it's$HOME" };

    const { output, requests } = await login(gitLab(), { to: envFile, entries });

    expect(requests.map(({ url }) => url)).toEqual([
      "https://auth.yandex.cloud/oauth/token",
      "https://payload.lockbox.api.cloud.yandex.net/lockbox/v1/secrets/e6q-secret/payload",
    ]);
    expect(readFileSync(envFile, "utf8")).toBe(
      [
        "export YC_TOKEN='t1.iam'",
        "export AWS_ACCESS_KEY_ID='state-id'",
        "export AWS_SECRET_ACCESS_KEY='it'\\''s$HOME'",
        "export YC_MESSAGE_QUEUE_ACCESS_KEY='queue-id'",
        "export YC_MESSAGE_QUEUE_SECRET_KEY='queue-secret'",
        "",
      ].join("\n"),
    );
    expect(statSync(envFile).mode & 0o777).toBe(0o600);
    expect(output).toEqual([expect.stringMatching(/^Logged in as aje-account\. Set: YC_TOKEN, /)]);
  });
});

describe("refuses", () => {
  test.each<[string, Environment, Options, string]>([
    [
      "a laptop",
      {},
      {},
      "This is not a job of GitHub Actions or GitLab CI (GITHUB_ACTIONS and GITLAB_CI are not set). On a laptop, run `yc init` instead.",
    ],
    [
      "a GitHub job without the right to an OIDC token",
      { ...gitHub(), ACTIONS_ID_TOKEN_REQUEST_URL: undefined },
      {},
      "ACTIONS_ID_TOKEN_REQUEST_URL is not set. Give the job `permissions: id-token: write`; a fork's pull request never gets a token.",
    ],
    [
      "a GitHub job without the token of the request",
      { ...gitHub(), ACTIONS_ID_TOKEN_REQUEST_TOKEN: "" },
      {},
      "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set. Give the job `permissions: id-token: write`; a fork's pull request never gets a token.",
    ],
    [
      "a GitHub job without an environment file",
      { ...gitHub(), GITHUB_ENV: undefined },
      {},
      "GITHUB_ENV is not set. Run this in a step of a job, where the runner sets it.",
    ],
    [
      "a GitLab job without an id token",
      { ...gitLab(), YC_ID_TOKEN: undefined },
      { to: "file" },
      "YC_ID_TOKEN is not set. Declare it in the job's `id_tokens` with `aud: $CI_PROJECT_URL`.",
    ],
    [
      "a GitLab job that does not say where to write",
      gitLab(),
      {},
      'No file for the variables is given. Add `--to "$LOGIN"`, with LOGIN="$(mktemp)" before it.',
    ],
    [
      "a GitLab job that traces its commands",
      { ...gitLab(), CI_DEBUG_TRACE: "true" },
      { to: "file" },
      "CI_DEBUG_TRACE is on, and the log would show every key. Remove the variable for this job.",
    ],
    [
      "no account",
      { ...gitHub(), YC_SERVICE_ACCOUNT_ID: "" },
      {},
      "YC_SERVICE_ACCOUNT_ID is not set. Set the variable of the pipeline that names the job's service account.",
    ],
    [
      "no secret",
      { ...gitHub(), YC_LOCKBOX_SECRET_ID: "" },
      {},
      "YC_LOCKBOX_SECRET_ID is not set. Set the variable of the pipeline that names the secret with the keys.",
    ],
    [
      "no folder",
      { ...gitHub(), YC_FOLDER_ID: "" },
      {},
      "YC_FOLDER_ID is not set. Set it as a variable of the pipeline.",
    ],
    [
      "state in a file",
      gitHub(),
      { config: { ...CONFIG, backend: { type: "local" } } },
      'config.ts keeps the state in a file, which is gone with this machine. Set backend: { type: "s3", bucket: "…" }.',
    ],
    [
      "a review that could read the key of queues from the state",
      gitHub(),
      { review: true, config: { ...CONFIG, queueKey: "stack" } },
      'config.ts has queueKey: "stack": the state then holds a key that may change every queue, and the plan of code under review reads the state. Set queueKey: "environment".',
    ],
  ])("%s", async (_, env, options, message) => {
    const { requests, error } = await tryLogin(env, options);
    expect(error).toBe(message);
    expect(requests).toEqual([]);
  });

  test("all that is wrong at once", async () => {
    const { error } = await tryLogin(
      { GITLAB_CI: "true" },
      { config: { ...CONFIG, backend: { type: "local" } } },
    );
    expect(error?.split("\n")).toEqual([
      "The job cannot log in:",
      expect.stringMatching(/^ {2}- YC_ID_TOKEN is not set/),
      expect.stringMatching(/^ {2}- YC_SERVICE_ACCOUNT_ID is not set/),
      expect.stringMatching(/^ {2}- YC_LOCKBOX_SECRET_ID is not set/),
      expect.stringMatching(/^ {2}- No file for the variables/),
      expect.stringMatching(/^ {2}- YC_FOLDER_ID is not set/),
      expect.stringMatching(/^ {2}- config\.ts keeps the state in a file/),
    ]);
  });

  test("a job to which GitHub gives no token", async () => {
    const { error } = await tryLogin(gitHub(), { answers: { "runner.example": [403, "{}"] } });
    expect(error).toBe(
      "GitHub gave no OIDC token (403). Give the job `permissions: id-token: write`; a fork's pull request never gets a token.",
    );
  });

  test("a workload that may not become the account, and says which workload it is", async () => {
    const body = JSON.stringify({ error_description: `subject of ${JWT} is unknown` });
    const { error } = await tryLogin(gitHub(), { answers: { "auth.yandex.cloud": [400, body] } });
    expect(error).toBe(
      [
        "The job is not allowed to act as aje-account (400): subject of … is unknown.",
        "Its federated credential must name exactly this workload:",
        "  external subject  repo:o/r:pull_request",
        "  issuer            https://issuer",
        "  audience          https://github.com/o",
      ].join("\n"),
    );
  });

  test.each([
    [403, "Permission denied"],
    [404, "Secret not found"],
  ])("a secret that answers %i", async (status, reason) => {
    const answer: Answer = [status, JSON.stringify({ message: reason })];
    const { error } = await tryLogin(gitHub(), { answers: { "payload.lockbox": answer } });
    expect(error).toBe(
      `Secret e6q-secret cannot be read: payload.lockbox answered ${status}: ${reason}. Check YC_LOCKBOX_SECRET_ID, and grant lockbox.payloadViewer on the secret to the job's account.`,
    );
  });

  test.each([
    [
      "lacks an entry",
      { ...KEYS, AWS_ACCESS_KEY_ID: undefined },
      "Secret e6q-secret has no text entry AWS_ACCESS_KEY_ID. Add it.",
    ],
    [
      "has a line break, which would write another variable",
      { ...KEYS, AWS_SECRET_ACCESS_KEY: "a\nNODE_OPTIONS=--require=evil" },
      "Entry AWS_SECRET_ACCESS_KEY of secret e6q-secret is empty, or has a space or a line break. Store the key alone.",
    ],
    [
      "has an empty entry",
      { ...KEYS, YC_MESSAGE_QUEUE_SECRET_KEY: "" },
      "Entry YC_MESSAGE_QUEUE_SECRET_KEY of secret e6q-secret is empty, or has a space or a line break. Store the key alone.",
    ],
  ])("a secret that %s", async (_, entries, message) => {
    const { error } = await tryLogin(gitHub(), { entries });
    expect(error).toBe(message);
    expect(() => statSync(envFile)).toThrow("ENOENT");
  });
});

type Answer = readonly [status: number, body: string];

interface Options {
  readonly review?: boolean;
  readonly to?: string;
  readonly config?: unknown;
  readonly entries?: Readonly<Record<string, string | undefined>>;
  /** Answers by a part of the address, instead of the usual ones. */
  readonly answers?: Readonly<Record<string, Answer>>;
}

interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization?: string;
  readonly form?: unknown;
}

function gitHub(): Environment {
  return {
    ...ACCOUNT,
    GITHUB_ACTIONS: "true",
    GITHUB_ENV: "(set by the test)",
    ACTIONS_ID_TOKEN_REQUEST_URL: "https://runner.example/token?v=1",
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "request-token",
  };
}

function gitLab(): Environment {
  return { ...ACCOUNT, GITLAB_CI: "true", YC_ID_TOKEN: JWT };
}

const ACCOUNT = {
  YC_SERVICE_ACCOUNT_ID: "aje-account",
  YC_LOCKBOX_SECRET_ID: "e6q-secret",
  YC_FOLDER_ID: "b1g-folder",
};

async function login(env: Environment, options: Options = {}) {
  const result = await tryLogin(env, options);
  expect(result.error).toBeUndefined();
  return result;
}

async function tryLogin(env: Environment, options: Options) {
  const output: string[] = [];
  const requests: SeenRequest[] = [];
  const system = {
    env: env.GITHUB_ENV ? { ...env, GITHUB_ENV: envFile } : env,
    say: (text: string) => void output.push(text),
    sleep: () => Promise.resolve(),
    fetch: (url: string, init: RequestInit = {}) => {
      requests.push(describeRequest(url, init));
      const [status, body] = answer(url, options);
      return Promise.resolve(new Response(body, { status }));
    },
  } as unknown as System;
  const error = await pipelineLogin(system, resolveSettings(options.config ?? CONFIG), {
    stage: undefined,
    review: options.review ?? false,
    to: options.to,
  }).then(
    () => undefined,
    (thrown: Error) => thrown.message,
  );
  return { output, requests, error };
}

function answer(url: string, { answers = {}, entries = KEYS }: Options): Answer {
  const special = Object.entries(answers).find(([part]) => url.includes(part));
  if (special) return special[1];
  if (url.includes("runner.example")) return [200, JSON.stringify({ value: JWT })];
  if (url.endsWith("/oauth/token")) return [200, JSON.stringify({ access_token: "t1.iam" })];
  const list = Object.entries(entries).map(([key, textValue]) => ({ key, textValue }));
  return [200, JSON.stringify({ entries: list, versionId: "e6q-version" })];
}

function describeRequest(url: string, init: RequestInit): SeenRequest {
  const authorization = new Headers(init.headers).get("authorization");
  return {
    method: init.method ?? "GET",
    url,
    ...(authorization && { authorization }),
    ...(init.body instanceof URLSearchParams && { form: Object.fromEntries(init.body) }),
  };
}
