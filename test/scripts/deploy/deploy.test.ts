import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import { closingLines, deploySteps } from "../../../scripts/lib/deploy/deploy.ts";
import type { Deploy } from "../../../scripts/lib/deploy/deploy-steps.ts";
import { describeSteps } from "../../../scripts/lib/shell/steps.ts";
import type { DeployedApp } from "../../../scripts/lib/terraform/outputs.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { makeStageDirectory } from "../../../stacks/directories.ts";
import { settings } from "../_settings.ts";
import { ACCESS, fakeSystem, type Routes } from "../_system.ts";

const DOMAIN = { domain: { fqdn: "shop.example.com", dns: "external" }, stages: {} };
const APP: DeployedApp = {
  url: "https://shop.example.com",
  gateway: { id: "d5d", domain: "d5d.apigw.yandexcloud.net" },
  containers: {},
  queues: { url: "https://mq/tasks" },
  document_api_endpoint: "https://docapi",
  results_table: "celery",
  triggers: {},
};

describe("deploySteps", () => {
  const titles = (config: object, options: object = {}) =>
    describeSteps(
      deploySteps({ system: fakeSystem(), settings: settings(config), ...options }),
    ).map((line) => line.replace(/^\d+\. (.*?):.*/, "$1"));

  test("come in the order in which each finds what it needs", () => {
    expect(titles({})).toEqual([
      "Pre-flight",
      "Registry",
      "Image",
      "App",
      "Results table",
      "Triggers",
      "Verify",
    ]);
  });

  test("have the domain's certificate before the app that attaches it", () => {
    expect(titles(DOMAIN, { wait: true })).toEqual([
      "Pre-flight",
      "Registry",
      "Domain",
      "Image",
      "App",
      "Results table",
      "Triggers",
      "Certificate",
      "Verify",
    ]);
  });

  test("free the queue of the script's trigger before Terraform makes its own", () => {
    expect(titles({ trigger: "terraform" })).toEqual([
      "Pre-flight",
      "Registry",
      "Image",
      "Take over triggers",
      "App",
      "Results table",
      "Verify",
    ]);
  });

  test.each([
    [{}, "build and push site, unless unchanged"],
    [{ rebuild: true }, "build and push site"],
    [{ image: "cr.yandex/x" }, "use cr.yandex/x"],
  ])("say what becomes of the image with %j", (options, does) => {
    const steps = deploySteps({
      system: fakeSystem(),
      settings: settings({ image: { context: "site" } }),
      ...options,
    });

    expect(steps.find(({ title }) => title === "Image")?.does).toBe(does);
  });
});

describe("the step of the domain", () => {
  const CERTIFICATE =
    "GET https://certificate-manager.api.cloud.yandex.net/certificate-manager/v1/certificates/fpq";
  const init = "terraform -chdir=cdktf.out/stacks/domain init -input=false -no-color";
  const output = "terraform -chdir=cdktf.out/stacks/domain output -json -no-color";
  const apply =
    "terraform -chdir=cdktf.out/stacks/domain apply -input=false -no-color -auto-approve -lock-timeout=120s";

  test("leaves a certificate alone that is being renewed", async () => {
    const { system, outcome } = await runDomain("RENEWING");

    expect(outcome).toBe("left alone, the certificate is being renewed");
    expect(system.ran).toEqual([init, output]);
  });

  test("applies otherwise", async () => {
    const { system, outcome } = await runDomain("ISSUED");

    expect(outcome).toBe("no change");
    expect(system.ran).toEqual([init, output, apply, output]);
  });

  async function runDomain(status: string) {
    const outputs = {
      certificate_id: { value: "fpq" },
      certificate_status: { value: status },
    };
    const { system, deploy } = open(
      { [CERTIFICATE]: { body: { id: "fpq", status } } },
      {
        [init]: "",
        [output]: JSON.stringify(outputs),
        [apply]: "Resources: 0 added, 0 changed, 0 destroyed",
      },
    );
    const step = deploySteps(deploy.options).find(({ title }) => title === "Domain");
    const outcome = await step?.run(deploy, () => {});
    return { system, outcome };
  }
});

test("the last step fails the deploy when something does not run as deployed", async () => {
  const { deploy } = open(
    {
      "GET https://serverless-containers.api.cloud.yandex.net/containers/v1/revisions?containerId=bba&pageSize=1000":
        { body: {} },
      "GET https://d5d.apigw.yandexcloud.net/": { status: 200 },
    },
    {},
  );
  deploy.app = {
    ...APP,
    containers: {
      web: { id: "bba", image: `cr.yandex/crp/app@sha256:${"a".repeat(64)}`, fingerprint: "f" },
    },
  };
  const step = deploySteps(deploy.options).find(({ title }) => title === "Verify");

  await expect(step?.run(deploy, () => {})).rejects.toThrow("web: active revision: none.");
});

test.each([
  ["Registry", undefined, "no session yet"],
  ["Results table", "open", "the app is not applied yet"],
])("step %s does not run before what it needs", async (title, session, reason) => {
  const { deploy } = open({}, {});
  if (!session) deploy.session = undefined;
  const step = deploySteps(deploy.options).find((one) => one.title === title);

  await expect(step?.run(deploy, () => {})).rejects.toThrow(`unexpected order of steps: ${reason}`);
});

describe("closingLines", () => {
  test("say where the site is, and what is no fault of the deploy", () => {
    const { deploy } = open({}, {});
    deploy.app = APP;
    deploy.findings = [
      { check: "gateway", ok: true, found: "200" },
      { check: "trigger tasks", ok: false, minor: true, found: "paused", fix: "Resume it." },
    ];
    deploy.notes = ["push_worker.W001  It is SQLite. Take another."];

    expect(closingLines(deploy)).toEqual([
      "",
      "The site is at https://shop.example.com",
      "Note: trigger tasks: paused. Resume it.",
      "Note: push_worker.W001  It is SQLite. Take another.",
    ]);
  });
});

function open(routes: Routes, commands: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), "deploy-"));
  makeStageDirectory(undefined, root);
  const system = fakeSystem({ routes, commands, root });
  const deploy: Deploy = { options: { system, settings: settings(DOMAIN) } };
  deploy.session = {
    system,
    settings: deploy.options.settings,
    access: ACCESS,
    api: new CloudApi(system, ACCESS),
    folderId: "b1g",
    terraform: new Terraform(system, { stage: undefined, env: {} }),
  };
  return { system, deploy };
}
