import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Config } from "../stacks/config-schema.ts";
import { type CloudHttp, startCloudHttp } from "./cloud/http.ts";
import { type Cloud, changeCloud, readCloud } from "./cloud/state.ts";
import { describeTerraform, newCloud, terraformEnv } from "./cloud/terraform.ts";
import { installTools } from "./cloud/tools.ts";
import {
  type JobResult,
  maskedValues,
  readGitHub,
  readGitLab,
  runGitHubJob,
  runGitLabJob,
  withoutMaskCommands,
} from "./support/pipelines.ts";
import { copySources, ROOT } from "./support/sources.ts";

const github = readGitHub(join(ROOT, "ci", "github.yml"));
const gitlab = readGitLab(join(ROOT, "ci", "gitlab.yml"));

const FOLDER = "b1gfolder00000000001";
const PLAN = { account: "ajeplan", secret: "e6qplan", keyId: "PLANKEYID", key: "plan-key-secret" };
const DEPLOY = {
  account: "ajedeploy",
  secret: "e6qdeploy",
  keyId: "DEPLOYKEYID",
  key: "deploy-key-secret",
};
const REQUEST_TOKEN = "runner-request-token";
const GITLAB_ID_TOKEN = `eyJhbGciOiJub25lIn0.${Buffer.from('{"sub":"project_path:g/p"}').toString("base64url")}.gitlab`;

describeTerraform("the steps, against the stand-in cloud", () => {
  let scratch: string;
  let cloudDir: string;
  let http: CloudHttp;
  let bin: string;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "pipelines-"));
    cloudDir = newCloud();
    http = await startCloudHttp({
      cloudDir,
      accessKeys: { [PLAN.keyId]: PLAN.key, [DEPLOY.keyId]: DEPLOY.key },
    });
    changeCloud(fillCloud, cloudDir);
    bin = installCommands(join(scratch, "bin"));
  });

  afterAll(async () => {
    await http?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  test("a fork's pull request is checked without any account", async () => {
    const { code, output } = await runGitHub("check");

    expect(code, output).toBe(0);
    expect(requestsOf(cloudDir)).toEqual([]);
  });

  test("a push to main deploys", async () => {
    const { code, output } = await runGitHub("deploy");

    expect(code, output).toBe(0);
    expectNoSecrets(withoutMaskCommands(output));
    expect(maskedValues(output)).toEqual(
      expect.arrayContaining([DEPLOY.keyId, DEPLOY.key, expect.stringMatching(/^t1\./)]),
    );
    const cloud = readCloud(cloudDir);
    expect(Object.keys(cloud.objects)).toEqual(
      expect.arrayContaining(["shop-state/shop/default/app.tfstate"]),
    );
    expect(Object.keys(cloud.triggers)).toHaveLength(1);
  });

  test("a pull request plans, and changes nothing", async () => {
    const before = withoutLog(readCloud(cloudDir));
    const requestsBefore = requestsOf(cloudDir).length;

    const { code, output } = await runGitHub("plan");

    expect(code, output).toBe(0);
    expect(output).toContain("No changes.");
    expectNoSecrets(withoutMaskCommands(output));
    expect(maskedValues(output)).toEqual(expect.arrayContaining([PLAN.keyId, PLAN.key]));
    expect(output).not.toContain(DEPLOY.key);
    expect(withoutLog(readCloud(cloudDir))).toEqual(before);
    const writes = requestsOf(cloudDir)
      .slice(requestsBefore)
      .filter((line) => !/^http (GET|HEAD) /.test(line));
    expect(writes).toEqual(["http POST /auth/oauth/token authorization=none"]);
  });

  test("GitLab's main plans, and deploys what is there already without a change", async () => {
    const { triggers, containers } = readCloud(cloudDir);
    for (const name of ["plan", "deploy"]) {
      const { code, output } = await runGitLab(name);
      expect(code, output).toBe(0);
      expect(output).toContain(`$ npm run ${name}`);
      expectNoSecrets(output);
    }
    expect(readCloud(cloudDir)).toMatchObject({ triggers, containers });
    expect(readdirSync(join(scratch, "tmp"))).toEqual([]);
  });

  test("a job whose credential does not match says which workload it is", async () => {
    const { code, output } = await runGitLab("plan", { YC_ID_TOKEN: "not-a-token" });
    expect(code).toBe(1);
    expect(output).toContain("The job is not allowed to act as ajedeploy (401): invalid_client.");
    expect(output).not.toContain("$ npm run plan");
  });

  function runGitHub(job: string): Promise<JobResult> {
    const hasToken = github.jobs[job]?.permissions["id-token"] === "write";
    return runGitHubJob(github, job, {
      folder: checkOut(),
      contexts: {
        github: { ref: "refs/heads/main" },
        vars: {
          YC_CLOUD_ID: "b1gcloud000000000001",
          YC_FOLDER_ID: FOLDER,
          YC_PLAN_SERVICE_ACCOUNT_ID: PLAN.account,
          YC_PLAN_SECRET_ID: PLAN.secret,
          YC_DEPLOY_SERVICE_ACCOUNT_ID: DEPLOY.account,
          YC_DEPLOY_SECRET_ID: DEPLOY.secret,
        },
      },
      machine: {
        ...machine(),
        GITHUB_ACTIONS: "true",
        ...(hasToken && {
          ACTIONS_ID_TOKEN_REQUEST_URL: `${http.url}/pipeline-token/?api-version=2`,
          ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
        }),
      },
    });
  }

  function runGitLab(job: string, overrides: NodeJS.ProcessEnv = {}): Promise<JobResult> {
    const folder = checkOut();
    return runGitLabJob(gitlab, job, {
      folder,
      machine: {
        ...machine(),
        GITLAB_CI: "true",
        CI_PROJECT_DIR: folder,
        YC_ID_TOKEN: GITLAB_ID_TOKEN,
        YC_CLOUD_ID: "b1gcloud000000000001",
        YC_FOLDER_ID: FOLDER,
        YC_SERVICE_ACCOUNT_ID: DEPLOY.account,
        YC_LOCKBOX_SECRET_ID: DEPLOY.secret,
        ...overrides,
      },
    });
  }

  /** Every job starts on a machine that knows nothing of the jobs before it. */
  function checkOut(): string {
    return layOut(mkdtempSync(join(scratch, "project-")), http.url);
  }

  /** A machine of the host: the tools, the cloud, and no login. */
  function machine(): NodeJS.ProcessEnv {
    const { YC_TOKEN: _token, YC_FOLDER_ID: _folder, ...env } = terraformEnv(cloudDir);
    mkdirSync(join(scratch, "tmp"), { recursive: true });
    return {
      ...env,
      PATH: [bin, process.env.PATH].join(delimiter),
      TMPDIR: join(scratch, "tmp"),
      CI: "true",
      CLOUD_HTTP: http.url,
      YC_API_URL: `${http.url}/{service}`,
      YC_GATEWAY_URL: `${http.url}/gateway/{domain}/`,
      // A bucket cannot stand before an address, as it does before the real host name.
    };
  }

  function expectNoSecrets(output: string): void {
    for (const secret of [PLAN.keyId, PLAN.key, DEPLOY.keyId, DEPLOY.key, REQUEST_TOKEN])
      expect(output).not.toContain(secret);
    expect(output).not.toMatch(/t1\.[\w-]{20}/);
    expect(output).not.toMatch(/eyJ[\w-]{10}/);
  }
});

/** The project with a configuration for pipelines, and something to build. */
function layOut(project: string, url: string): string {
  const config: Config = {
    project: "shop",
    celeryApp: "shop.celery:app",
    backend: { type: "s3", bucket: "shop-state", endpoint: `${url}/storage` },
    queueKey: "environment",
    image: { context: "site" },
  };
  copySources(project);
  writeFileSync(
    join(project, "config.ts"),
    `import type { Config } from "./stacks/config-schema.ts";\nexport const config: Config = ${JSON.stringify(config)};\n`,
  );
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
  mkdirSync(join(project, "site"));
  writeFileSync(join(project, "site", "Dockerfile"), "FROM scratch\n");
  return project;
}

/** Stand-ins for what the pipelines call; `npm` is the real one except for the installation. */
function installCommands(bin: string): string {
  installTools(bin, ["docker", "sleep"]);
  const npm = spawnSync("sh", ["-c", "command -v npm"], { encoding: "utf8" }).stdout.trim();
  writeCommand(bin, "npm", `[ "$1" = ci ] && exit 0\nexec "${npm}" "$@"`);
  writeCommand(bin, "apk", '[ "$1 $2" = "add --no-cache" ]');
  writeCommand(bin, "yc", "echo 'a pipeline has no yc' >&2; exit 1");
  return bin;
}

function writeCommand(bin: string, name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}

function fillCloud(cloud: Cloud): void {
  const state = ({ keyId, key }: typeof PLAN) => ({
    AWS_ACCESS_KEY_ID: keyId,
    AWS_SECRET_ACCESS_KEY: key,
  });
  const queues = {
    YC_MESSAGE_QUEUE_ACCESS_KEY: DEPLOY.keyId,
    YC_MESSAGE_QUEUE_SECRET_KEY: DEPLOY.key,
  };
  cloud.secrets[PLAN.secret] = secret("plan", state(PLAN));
  cloud.secrets[DEPLOY.secret] = secret("deploy", { ...state(DEPLOY), ...queues });
}

function secret(name: string, entries: Record<string, string>): Cloud["secrets"][string] {
  return { name, versions: { [`${name}-version`]: { status: "ACTIVE", entries } } };
}

function requestsOf(cloudDir: string): string[] {
  return readCloud(cloudDir).log.filter((line) => line.startsWith("http "));
}

function withoutLog({ log: _log, tick: _tick, ...cloud }: Cloud): Omit<Cloud, "log" | "tick"> {
  return cloud;
}
