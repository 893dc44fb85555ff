import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manage } from "../../../scripts/lib/manage/manage.ts";
import { UsageError } from "../../../scripts/lib/shell/command-line.ts";
import type { Environment } from "../../../scripts/lib/shell/system.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { type Answer, bodyOf, type FakeOptions, fakeSystem } from "../_system.ts";

const URL = "https://bba1.containers.yandexcloud.net/";
const done = (code: string, body: string): Answer => ({
  ...{ headers: { "X-Task-Exit-Code": code }, body },
});
const answering = (answer: Answer) => ({ [`POST ${URL}`]: answer });

const APP = {
  gateway: { id: "d5d", domain: "d5d.apigw.yandexcloud.net" },
  containers: {},
  queues: { url: "https://q" },
  document_api_endpoint: "https://d",
  results_table: "celery",
  triggers: {},
  url: "https://x",
};
const MANAGE = { url: URL, caller: "userAccount:ajeann" };

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "manage-"));
});

afterAll(() => rmSync(root, { recursive: true }));

describe("in an apply", () => {
  const applying = (answer: Answer, env = {}) =>
    fakeSystem({
      routes: answering(answer),
      env: {
        ...{ MANAGE_URL: URL, MANAGE_WORDS: '["migrate","--noinput"]', YC_TOKEN: "t1.x" },
        ...env,
      },
    });

  test("runs the words of the environment, and touches no Terraform", async () => {
    const system = applying(done("0", "Applying x... OK\nAll done\n"));

    expect(await manage(system, undefined, ["ignored"])).toBe(0);
    expect(bodyOf(system.sent[0]?.init)).toEqual({ manage: ["migrate", "--noinput"] });
    expect(system.said).toEqual(["Applying x... OK\nAll done"]);
    expect([system.ran, system.warned]).toEqual([[], []]);
  });

  test("a command that says nothing is not given a line", async () => {
    const system = applying(done("0", ""));

    expect(await manage(system, undefined, [])).toBe(0);
    expect(system.said).toEqual([]);
  });

  test("a command that fails is told after its output", async () => {
    const system = applying(done("3", "Traceback\n"));

    expect(await manage(system, undefined, [])).toBe(3);
    expect(system.said).toEqual(["Traceback"]);
    expect(system.warned).toEqual([
      "`manage.py migrate --noinput` failed (exit code 3). Site and worker stay as they were. Fix it and deploy again.",
    ]);
  });

  test("whoever is not let in for two minutes is told whom variable 'caller' must name", async () => {
    await expect(manage(applying({ status: 403 }), undefined, [])).rejects.toThrow(
      "The container does not let you in (403). It lets in whom variable 'caller' names, and nobody else: run `npm run image` as whoever applies, or set TF_VAR_caller.",
    );
  });

  test("refuses a command that would wait for somebody", async () => {
    const system = applying(done("0", ""), { MANAGE_WORDS: '["createsuperuser"]' });

    await expect(manage(system, undefined, [])).rejects.toThrow("createsuperuser --noinput");
    expect(system.sent).toEqual([]);
  });
});

describe("by a person", () => {
  const deployed = (outputs: object, more: FakeOptions = {}) => {
    const values = Object.entries({ ...APP, ...outputs }).map(([name, value]) => [name, { value }]);
    return fakeSystem({
      root,
      env: { YC_TOKEN: "t1.x" },
      commands: {
        [`${process.execPath} run.mjs main.ts`]: "",
        "terraform -chdir=cdktf.out/stacks/app init -input=false -no-color": "",
        "terraform -chdir=cdktf.out/stacks/app output -json -no-color": JSON.stringify(
          Object.fromEntries(values),
        ),
      },
      ...more,
    });
  };

  test("runs the words where the outputs say, and returns the exit code", async () => {
    const system = deployed({ manage: MANAGE }, { routes: answering(done("7", "seven\n")) });

    expect(await manage(system, undefined, ["check", "--deploy"])).toBe(7);
    expect(bodyOf(system.sent[0]?.init)).toEqual({ manage: ["check", "--deploy"] });
    expect([system.said, system.warned]).toEqual([["seven"], []]);
  });

  test("tells who may, to whoever is not let in, at once", async () => {
    const system = deployed({ manage: MANAGE }, { routes: answering({ status: 403 }) });

    await expect(manage(system, undefined, ["check"])).rejects.toThrow(
      new UserError(
        "The container does not let you in (403). Only whoever deployed last may run commands: userAccount:ajeann. `npm run deploy` makes that you; the right may take a minute.",
      ),
    );
    expect(system.sent).toHaveLength(1);
  });

  test("tells where the output goes of a command that is out of time", async () => {
    const system = deployed({ manage: MANAGE }, { routes: answering({ status: 504 }) });

    await expect(manage(system, undefined, ["check"])).rejects.toThrow(
      "Its output goes to the stage's log: `npm run logs -- --container manage --follow`.",
    );
  });

  test("says how a stage gets a container for commands", async () => {
    await expect(manage(deployed({}), undefined, ["check"])).rejects.toThrow(
      new UserError(
        "This stage has no container for commands. Set 'release', e.g. \"migrate --noinput\", or manage: {} in config.ts. Run `npm run deploy`.",
      ),
    );
  });

  test.each<[string, string[], Environment, string]>([
    ["no command", [], {}, "No command is given. Write e.g. `npm run manage -- migrate"],
    ["a shell", ["shell"], {}, "shell -c"],
    ["a flag that npm took", ["migrate"], { npm_config_plan: "true" }, "npm took --plan"],
  ])("refuses %s before anything", async (_, words, env, message) => {
    const system = fakeSystem({ env });

    const refused = manage(system, undefined, words);

    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(UsageError);
    expect([system.ran, system.sent]).toEqual([[], []]);
  });
});
