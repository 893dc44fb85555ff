import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSession, openTerraform, settingsOf } from "../../../scripts/lib/cloud/session.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { settings } from "../_settings.ts";
import { fakeSystem } from "../_system.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "session-"));
});

afterEach(() => rmSync(root, { recursive: true }));

test("a stage that is not in config.ts is the user's to fix", () => {
  expect(() => settingsOf("nowhere")).toThrow(UserError);
  expect(() => settingsOf("nowhere")).toThrow('Stage "nowhere" is not in config.ts');
});

describe("openSession", () => {
  test("gives terraform the folder and, from a login, a token", async () => {
    const line = "terraform -chdir=cdktf.out/stacks/app init -input=false -no-color";
    const commands = { [line]: "", "yc iam create-token --no-browser": "t1.fresh\n" };
    const system = fakeSystem({ root, env: { YC_FOLDER_ID: "b1g" }, commands });
    const session = await openSession(system, settings());
    await session.terraform.init("app");

    expect(session.folderId).toBe("b1g");
    expect(system.options.at(-1)?.env).toMatchObject({ YC_FOLDER_ID: "b1g", YC_TOKEN: "t1.fresh" });
  });

  test("makes no token beside a key file, which the provider would prefer anyway", async () => {
    const env = { YC_SERVICE_ACCOUNT_KEY_FILE: "/key.json", YC_FOLDER_ID: "b1g" };
    const system = fakeSystem({ root, env });
    await openSession(system, settings());

    expect(system.ran).toEqual([]);
  });

  test("closes the stage's directory before Terraform writes there", async () => {
    const env = { YC_TOKEN: "t1.x", YC_FOLDER_ID: "b1g" };
    await openSession(fakeSystem({ root, env }), settings());

    expect(statSync(join(root, ".state/default")).mode & 0o777).toBe(0o700);
  });

  test("so do commands that only read", () => {
    openTerraform(fakeSystem({ root }), settings({}, "production"));

    expect(statSync(join(root, ".state/production")).mode & 0o777).toBe(0o700);
  });
});
