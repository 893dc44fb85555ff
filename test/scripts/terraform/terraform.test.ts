import { describe, expect, test } from "vitest";
import { NOT_FOUND } from "../../../scripts/lib/shell/world.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
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
