import { expect, test } from "vitest";
import { CloudApi } from "../../scripts/lib/cloud/cloud-api.ts";
import { planStacks } from "../../scripts/lib/plan.ts";
import { Terraform } from "../../scripts/lib/terraform/terraform.ts";
import { settings } from "./_settings.ts";
import { ACCESS, fakeSystem } from "./_system.ts";
import { stackWith } from "./local/_stack.ts";

test("a plan ends with what Django's system checks say", async () => {
  const on = (stack: string, args: string) =>
    `terraform -chdir=cdktf.out/stacks/${stack} ${args} -no-color`;
  const system = fakeSystem({
    root: await stackWith({ "requirements.txt": "django\n" }),
    commands: {
      [`${process.execPath} run.mjs main.ts`]: "",
      [on("registry", "init -input=false")]: "",
      [`${on("registry", "plan -input=false")} -lock-timeout=120s`]: "No changes.",
      [on("registry", "output -json")]: "{}",
      [on("app", "init -input=false")]: "",
    },
  });
  const terraform = new Terraform(system, { stage: undefined, env: {} });
  const session = { system, settings: settings(), access: ACCESS, terraform, folderId: "b1g" };

  await planStacks({ ...session, api: new CloudApi(system, ACCESS) }, undefined);

  expect(system.said).toEqual([
    "\n── registry ──",
    "No changes.",
    "\n── app ──",
    "Not planned: the app looks the registry up, which the stack above has not created yet.",
    expect.stringMatching(/^Note: Django's system checks were not run: `npm run local` installs/),
  ]);
});
