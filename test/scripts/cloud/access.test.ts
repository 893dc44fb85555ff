import { describe, expect, test } from "vitest";
import {
  accessOf,
  credentialProblem,
  findFolder,
  ycOutput,
} from "../../../scripts/lib/cloud/access.ts";
import { NOT_FOUND, TIMED_OUT } from "../../../scripts/lib/shell/system.ts";
import { settings } from "../_settings.ts";
import { fakeSystem } from "../_system.ts";

const CREATE_TOKEN = "yc iam create-token --no-browser";
const GET_FOLDER = "yc config get folder-id --no-browser";

describe("accessOf", () => {
  test("takes the given token and never runs yc", async () => {
    const system = fakeSystem({ env: { YC_TOKEN: "t1.given" } });
    const access = accessOf(system);

    expect(access.given).toBe(true);
    expect(await access.token()).toBe("t1.given");
    expect(system.ran).toEqual([]);
  });

  test("asks yc once, with a time limit and nothing to type into", async () => {
    const system = fakeSystem({ commands: { [CREATE_TOKEN]: "t1.fresh\n" } });
    const access = accessOf(system);

    expect([await access.token(), await access.token()]).toEqual(["t1.fresh", "t1.fresh"]);
    expect(system.ran).toEqual([CREATE_TOKEN]);
    expect(system.options).toEqual([{ env: {}, timeoutSeconds: 20 }]);
  });

  test.each([
    [
      "a session that ended",
      { exitCode: TIMED_OUT, stdout: "Press 'enter' to continue" },
      "Not logged in to Yandex Cloud. Run `yc init` first.",
    ],
    [
      "an answer that is no token",
      { stdout: "Welcome! This command will take you through" },
      "Not logged in to Yandex Cloud. Run `yc init` first.",
    ],
    [
      "a missing yc",
      { exitCode: NOT_FOUND },
      "`yc` is not installed. Install it (https://yandex.cloud/en/docs/cli/quickstart) and run `yc init`, or set YC_TOKEN to an IAM token.",
    ],
  ])("refuses %s", async (_, answer, message) => {
    const system = fakeSystem({ commands: { [CREATE_TOKEN]: answer } });

    await expect(accessOf(system).token()).rejects.toThrow(message);
  });
});

test("ycOutput passes on what yc failed of", async () => {
  const system = fakeSystem({
    commands: { "yc x --no-browser": { exitCode: 1, stderr: "ERROR: no such thing\n\ntrace" } },
  });

  await expect(ycOutput(system, ["x"])).rejects.toThrow(
    "`yc x` failed (exit code 1): ERROR: no such thing",
  );
});

describe("findFolder", () => {
  test.each([
    ["config.ts", { folderId: "b1gconfig" }, {}, "b1gconfig"],
    ["the environment", {}, { YC_FOLDER_ID: "b1genv" }, "b1genv"],
    ["both when they agree", { folderId: "b1g" }, { YC_FOLDER_ID: "b1g" }, "b1g"],
    ["the profile", {}, {}, "b1gprofile"],
  ])("takes the folder of %s", async (_, config, env, folder) => {
    const system = fakeSystem({ env, commands: { [GET_FOLDER]: "b1gprofile\n" } });

    expect(await findFolder(system, settings(config))).toBe(folder);
  });

  test("refuses two different folders", async () => {
    const system = fakeSystem({ env: { YC_FOLDER_ID: "b1genv" } });

    await expect(findFolder(system, settings({ folderId: "b1gconfig" }))).rejects.toThrow(
      "The folder is b1gconfig in config.ts but b1genv in YC_FOLDER_ID. Unset one of them.",
    );
  });

  test.each([
    ["", 0],
    ["", NOT_FOUND],
    ["no such key\n", 1],
  ])("refuses a profile that answers %j with exit code %i", async (stdout, exitCode) => {
    const system = fakeSystem({ commands: { [GET_FOLDER]: { stdout, exitCode } } });

    await expect(findFolder(system, settings())).rejects.toThrow(
      "No folder is set. Set 'folderId' in config.ts or YC_FOLDER_ID, or run `yc config set folder-id <id>`.",
    );
  });
});

describe("credentialProblem", () => {
  test.each([
    [{}, undefined],
    [{ YC_TOKEN: "t1.a.b" }, undefined],
    [{ YC_SERVICE_ACCOUNT_KEY_FILE: "/keys/key.json" }, undefined],
    [{ YC_SERVICE_ACCOUNT_KEY_FILE: '{"id": "aje"}' }, undefined],
    [{ YC_TOKEN: "y0_abc" }, /^YC_TOKEN holds an OAuth token\. .*`yc iam create-token`/],
    [
      { YC_TOKEN: "t1.a.b", YC_SERVICE_ACCOUNT_KEY_FILE: "/k.json" },
      /both set.*Unset one of them\.$/,
    ],
    [{ YC_SERVICE_ACCOUNT_KEY_FILE: "~/key.json" }, /starts with ~.*Write the whole path\.$/],
    [{ YC_SERVICE_ACCOUNT_KEY_FILE: "key.json" }, /relative path.*Write the whole path\.$/],
  ])("judges %j", (env, problem) => {
    const found = credentialProblem(fakeSystem({ env }));

    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});
