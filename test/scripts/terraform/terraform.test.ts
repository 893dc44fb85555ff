import { describe, expect, test } from "vitest";
import { NOT_FOUND } from "../../../scripts/lib/shell/world.ts";
import {
  findApplied,
  findErrors,
  parseOutputs,
  parseState,
  Terraform,
  terraformEnvironment,
} from "../../../scripts/lib/terraform/terraform.ts";
import { fakeWorld } from "../_world.ts";

describe("Terraform", () => {
  test("runs in the stack's directory and writes a log", async () => {
    const line =
      "terraform -chdir=cdktf.out/stacks/app-test apply -input=false -no-color -auto-approve -lock-timeout=120s";
    const world = fakeWorld({ commands: { [line]: "fine" } });
    const env = { A: "1" };

    expect(await new Terraform(world, { stage: "test", env }).apply("app")).toBe("fine");
    expect(world.options).toEqual([
      { env, logFile: ".state/test/log/run/apply-app.log", onLine: undefined },
    ]);
  });

  test("honours TERRAFORM_BINARY_NAME and CDKTF_OUTDIR", async () => {
    const line = "tofu -chdir=out/stacks/registry init -input=false -no-color";
    const env = { TERRAFORM_BINARY_NAME: "tofu", CDKTF_OUTDIR: "out" };
    const world = fakeWorld({ env, commands: { [line]: "" } });

    await new Terraform(world, { stage: undefined, env }).init("registry");

    expect(world.ran).toEqual([line]);
  });

  test("says what failed, why, and where to read on", async () => {
    const line = "terraform -chdir=cdktf.out/stacks/app init -input=false -no-color";
    const stdout = "Initializing...\n╷\n│ Error: No provider\n│ \n│ Look.\n╵\n";
    const world = fakeWorld({ commands: { [line]: { exitCode: 1, stdout } } });

    await expect(new Terraform(world, { stage: undefined, env: {} }).init("app")).rejects.toThrow(
      [
        "terraform init of stack app failed (exit code 1).",
        "│ Error: No provider",
        "│ ",
        "│ Look.",
        "The whole output is in .state/default/log/run/init-app.log.",
      ].join("\n"),
    );
  });

  test("says how to get rid of a lock that a killed run has left", async () => {
    const line =
      "terraform -chdir=cdktf.out/stacks/app apply -input=false -no-color -auto-approve -lock-timeout=120s";
    const stdout = "Error: Error acquiring the state lock\n\nLock Info:\n  ID:        12-ab\n";
    const world = fakeWorld({ commands: { [line]: { exitCode: 1, stdout } } });

    await expect(new Terraform(world, { stage: undefined, env: {} }).apply("app")).rejects.toThrow(
      "Another run holds the lock. If there is none (one was killed), run `terraform -chdir=cdktf.out/stacks/app force-unlock 12-ab` and try again.",
    );
  });

  test("says how to install what is missing", async () => {
    const line = "terraform -chdir=cdktf.out/stacks/app output -json -no-color";
    const world = fakeWorld({ commands: { [line]: { exitCode: NOT_FOUND } } });

    await expect(
      new Terraform(world, { stage: undefined, env: {} }).outputs("app"),
    ).rejects.toThrow("`terraform` is not installed. Install Terraform");
  });
});

describe("terraformEnvironment", () => {
  test("passes on what terraform needs, and adds the credentials", () => {
    const env = {
      AWS_CA_BUNDLE: "/ca.pem",
      AWS_SECRET_ACCESS_KEY: "secret",
      GITHUB_TOKEN: "secret",
      HTTPS_PROXY: "http://proxy",
      TF_CLI_ARGS_plan: "-parallelism=3",
      TF_CLI_CONFIG_FILE: "/mirror.tfrc",
      YC_FOLDER_ID: "b1gother",
    };

    expect(terraformEnvironment(env, { token: "t1.x", folderId: "b1g", backend: "local" })).toEqual(
      {
        HTTPS_PROXY: "http://proxy",
        TF_CLI_ARGS_plan: "-parallelism=3",
        TF_CLI_CONFIG_FILE: "/mirror.tfrc",
        YC_FOLDER_ID: "b1g",
        YC_TOKEN: "t1.x",
        TF_INPUT: "0",
        TF_IN_AUTOMATION: "1",
        CHECKPOINT_DISABLE: "1",
      },
    );
  });

  test("takes the keys of a state in a bucket along, and not what breaks the provider", () => {
    const env = { AWS_CA_BUNDLE: "/ca.pem", AWS_SECRET_ACCESS_KEY: "secret" };

    expect(terraformEnvironment(env, { backend: "s3" })).toMatchObject({
      AWS_SECRET_ACCESS_KEY: "secret",
    });
    expect(terraformEnvironment(env, { backend: "s3" })).not.toHaveProperty("AWS_CA_BUNDLE");
  });

  test("adds no empty credentials", () => {
    expect(terraformEnvironment({}, { backend: "local" })).not.toHaveProperty("YC_TOKEN");
  });
});

describe("what terraform prints", () => {
  test("outputs without the secret ones", () => {
    const text = JSON.stringify({
      url: { value: "https://x", type: "string" },
      key: { value: "secret", type: "string", sensitive: true },
    });

    expect(parseOutputs(text)).toEqual({ url: "https://x" });
  });

  test("the managed resources of a state", () => {
    const text = JSON.stringify({
      version: 4,
      resources: [
        { mode: "managed", type: "a", name: "x", instances: [{ attributes: { id: "1" } }] },
        { mode: "data", type: "b", name: "y", instances: [{ attributes: { id: "2" } }] },
      ],
    });

    expect(parseState(text)).toEqual([{ address: "a.x", type: "a", attributes: { id: "1" } }]);
    expect(parseState("\n")).toEqual([]);
    expect(parseState('{"version":4}')).toEqual([]);
  });

  test.each([
    ["Apply complete! Resources: 0 added, 0 changed, 0 destroyed.", "no change"],
    [
      "Apply complete! Resources: 2 added, 1 changed, 0 destroyed.",
      "2 added, 1 changed, 0 destroyed",
    ],
    [
      "Apply complete! Resources: 3 imported, 2 added, 0 changed, 0 destroyed.",
      "2 added, 0 changed, 0 destroyed",
    ],
    ["", "applied"],
  ])("what %j has done", (output, words) => {
    expect(findApplied(output)).toBe(words);
  });

  test("the cloud's reason before the error that follows from it", () => {
    const output = [
      "yandex_x.Web: Modifying...",
      "",
      "Warning: Argument is deprecated",
      "",
      "  with yandex_x.Web,",
      "",
      "Warning: Failed to deploy a revision of container web: code = NotFound",
      "",
      "  with yandex_x.Web,",
      "  on cdk.tf.json line 651, in resource.yandex_x.Web:",
      " 651:       },",
      "",
      "",
      "Error: Resource postcondition failed",
      "",
      "The new revision did not start.",
    ];

    expect(findErrors(`${output.join("\n")}\n`)).toBe(
      [...output.slice(6, 11), "", ...output.slice(13)].join("\n"),
    );
  });

  test("errors that differ in nothing but their place once", () => {
    const error = (place: string, text: string) =>
      `Error: Plugin did not respond\n\n  with ${place},\n  on cdk.tf.json line 5, in x:\n   5:\n\n${text}\n`;
    const output = [error("a.B", "It failed."), error("c.D", "It failed."), error("e.F", "Else.")];

    expect(findErrors(output.join("\n"))).toBe(
      `${error("a.B", "It failed.")}(the same 2 times)\n\n${error("e.F", "Else.").trimEnd()}`,
    );
  });

  test("the last lines when no error is marked", () => {
    expect(findErrors("one\ntwo\n")).toBe("one\ntwo");
  });
});
