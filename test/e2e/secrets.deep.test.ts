import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeTerraform, FOLDER_ID } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const PLANTED = {
  PLANTED_TOKEN: "planted-token",
  AWS_SECRET_ACCESS_KEY: "planted-aws-secret",
  YC_MESSAGE_QUEUE_SECRET_KEY: "planted-queue-secret",
};

const OWN = `secrets: { SENTRY_DSN: { secretId: "e6qown00000000000001", versionId: "v1", key: "dsn" } },`;
const EVERY_PART = `${OWN}
  postgres: {}, media: true, staticBucket: "shop-static", queues: { heavy: { worker: {} } },
  schedule: "database",`;

describeTerraform("secret values", () => {
  describe("of a small stage", () => secretsOf(OWN, ["registry", "app"], []));
  describe("of a stage with every part", () =>
    secretsOf(EVERY_PART, ["registry", "data", "app"], [["manage", ["check"]]]));
});

type Command = readonly [name: string, args: readonly string[]];

function secretsOf(config: string, stacks: readonly string[], more: readonly Command[]): void {
  let project: Project;
  /** Everything that any command printed. */
  let printed = "";

  beforeAll(async () => {
    project = await newProject(config);
    project.change((cloud) => {
      cloud.buckets = ["shop-static"];
      cloud.secrets.e6qown00000000000001 = {
        name: "own",
        versions: { v1: { status: "ACTIVE", entries: { dsn: "planted-sentry-dsn" } } },
      };
    });
    for (const [command, args] of [
      ["deploy", []],
      ["deploy", ["--verbose"]],
      ["plan", []],
      ["outputs", []],
      ["outputs", ["--json"]],
      ["verify", []],
      ["trigger", []],
      ["trigger", ["--dry-run"]],
      ...more,
    ] satisfies Command[]) {
      const answer = await project.npm(command, args, {
        ...PLANTED,
        YC_MESSAGE_QUEUE_ACCESS_KEY: "k",
      });
      expect(answer.code, answer.output).toBe(0);
      printed += answer.output;
    }
  });
  afterAll(() => project.close());

  const queueSecret = () => {
    const { keys, accounts } = project.cloud();
    return Object.values(keys).find(({ accountId }) => accounts[accountId]?.name === "shop-queues")
      ?.secret;
  };
  const runtimeSecret = () => {
    const { keys, accounts } = project.cloud();
    return Object.values(keys).find(({ accountId }) => accounts[accountId]?.name === "shop-runtime")
      ?.secret;
  };
  const stored = (named: RegExp) =>
    Object.values(project.cloud().secrets)
      .filter(({ name }) => named.test(name))
      .flatMap(({ versions }) => Object.values(versions))
      .flatMap(({ entries }) => Object.values(entries))[0];
  const token = () => /t1\.[\w.-]+/;

  const secrets = (): [string, string][] => [
    ["the key that creates queues", String(queueSecret())],
    ["the containers' key", String(runtimeSecret())],
    ["Django's secret key", String(stored(/^shop-django$/))],
    ...(stacks.includes("data")
      ? [["PostgreSQL's password", String(stored(/^connection-/))] as [string, string]]
      : []),
    ["a user's secret", "planted-sentry-dsn"],
    ["the state's key", PLANTED.AWS_SECRET_ACCESS_KEY],
    ["the queue key of the environment", PLANTED.YC_MESSAGE_QUEUE_SECRET_KEY],
  ];

  test("are planted at all", () => {
    for (const [name, value] of secrets()) expect(value.length, name).toBeGreaterThan(10);
    expect(new Set(secrets().map(([, value]) => value)).size).toBe(secrets().length);
  });

  test("appear in nothing that was printed", () => {
    for (const [name, value] of secrets()) expect(printed.includes(value), name).toBe(false);
    expect(printed).not.toMatch(token());
  });

  test("appear on no command line and in no request's address", () => {
    const log = project.cloud().log.join("\n");

    for (const [name, value] of secrets()) expect(log.includes(value), name).toBe(false);
    expect(log).not.toMatch(token());
  });

  test("of the shell reach no program that a command starts", () => {
    expect(project.cloud().leaked).toBeUndefined();
  });

  test("appear in no trigger, variable of a container, or gateway text", () => {
    const { triggers, containers, gateways } = project.cloud();
    const text = JSON.stringify({ triggers, containers, gateways });

    for (const [name, value] of secrets()) expect(text.includes(value), name).toBe(false);
  });

  test("appear in no file of the project but the state and its backup, which hold the queues' key alone", () => {
    const found = files(project.dir).flatMap((file) => {
      const text = readFileSync(file, "utf8");
      return secrets()
        .filter(([, value]) => text.includes(value))
        .map(([name]) => `${name} in ${file.slice(project.dir.length + 1)}`);
    });

    const state = "the key that creates queues in .state/default/app.tfstate";
    expect(found).toContain(state);
    // Terraform keeps the state before the last change beside it, if there was one.
    expect(found.filter((line) => line !== state && line !== `${state}.backup`)).toEqual([]);
  });

  test("and tokens appear in no file of the project", () => {
    for (const file of files(project.dir)) {
      expect(readFileSync(file, "utf8"), file).not.toMatch(/t1\.stand/);
    }
  });

  test.each(stacks)("appear in no saved plan of the stack '%s'", async (stack) => {
    const there = `-chdir=cdktf.out/stacks/${stack}`;
    const plan = await project.run("terraform", [there, "plan", "-no-color", "-out=saved"], {
      YC_TOKEN: "t1.stand-in.token",
      TF_VAR_folder_id: FOLDER_ID,
    });
    const shown = await project.run("terraform", [there, "show", "saved"]);

    expect(plan.code, plan.output).toBe(0);
    for (const [name, value] of secrets()) {
      expect(plan.output.includes(value) || shown.output.includes(value), name).toBe(false);
    }
  });
}

describeTerraform("the queue key from the environment", () => {
  test("is in no state", async () => {
    const project = await newProject(`queueKey: "environment",`);
    const key = {
      YC_MESSAGE_QUEUE_ACCESS_KEY: "YCAJE",
      YC_MESSAGE_QUEUE_SECRET_KEY: "planted-queue-secret",
    };

    const missing = await project.npm("deploy");
    const deploy = await project.npm("deploy", [], key);
    const plan = await project.npm("plan", [], key);
    const state = readFileSync(join(project.dir, ".state/default/app.tfstate"), "utf8");
    await project.close();

    expect(missing.output).toContain("YC_MESSAGE_QUEUE_ACCESS_KEY");
    expect(missing.code).toBe(1);
    expect(deploy.code).toBe(0);
    expect(plan.output.match(/No changes\./g)).toHaveLength(2);
    expect(state).not.toContain("planted-queue-secret");
    expect(state).not.toContain("YCAJE");
  });
});

const SKIPPED = new Set(["node_modules", ".terraform", ".tools"]);

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.has(name))
    .flatMap((entry) => {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) return files(path);
      return entry.isFile() ? [path] : [];
    });
}
