import { describe, expect, test } from "vitest";
import { NOT_FOUND } from "../../../scripts/lib/shell/system.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { fakeSystem } from "../_system.ts";

describe("Terraform", () => {
  test("runs in the stack's directory and writes a log", async () => {
    const line =
      "terraform -chdir=cdktf.out/stacks/app-test apply -input=false -no-color -auto-approve -lock-timeout=120s";
    const system = fakeSystem({ commands: { [line]: "fine" } });
    const env = { A: "1" };

    expect(await new Terraform(system, { stage: "test", env }).apply("app")).toBe("fine");
    expect(system.options).toEqual([
      { env, logFile: ".state/test/log/run/apply-app.log", onLine: undefined },
    ]);
  });

  test("honours TERRAFORM_BINARY_NAME and CDKTF_OUTDIR", async () => {
    const line = "tofu -chdir=out/stacks/registry init -input=false -no-color";
    const env = { TERRAFORM_BINARY_NAME: "tofu", CDKTF_OUTDIR: "out" };
    const system = fakeSystem({ env, commands: { [line]: "" } });

    await new Terraform(system, { stage: undefined, env }).init("registry");

    expect(system.ran).toEqual([line]);
  });

  test("says what failed, why, and where to read on", async () => {
    const line = "terraform -chdir=cdktf.out/stacks/app init -input=false -no-color";
    const stdout = "Initializing...\n╷\n│ Error: No provider\n│ \n│ Look.\n╵\n";
    const system = fakeSystem({ commands: { [line]: { exitCode: 1, stdout } } });

    await expect(new Terraform(system, { stage: undefined, env: {} }).init("app")).rejects.toThrow(
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
    const system = fakeSystem({ commands: { [line]: { exitCode: 1, stdout } } });

    await expect(new Terraform(system, { stage: undefined, env: {} }).apply("app")).rejects.toThrow(
      "Another run holds the lock. If there is none (one was killed), run `terraform -chdir=cdktf.out/stacks/app force-unlock 12-ab` and try again.",
    );
  });

  test("says how to install what is missing", async () => {
    const line = "terraform -chdir=cdktf.out/stacks/app output -json -no-color";
    const system = fakeSystem({ commands: { [line]: { exitCode: NOT_FOUND } } });

    await expect(
      new Terraform(system, { stage: undefined, env: {} }).outputs("app"),
    ).rejects.toThrow("`terraform` is not installed. Install Terraform");
  });
});
