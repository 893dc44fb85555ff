import { describe, expect, test } from "vitest";
import { formatOutputs, readOutputs } from "../../scripts/lib/outputs.ts";
import { Terraform } from "../../scripts/lib/terraform/terraform.ts";
import { settings } from "./_settings.ts";
import { fakeSystem } from "./_system.ts";

test("shows the address first, objects and lists indented, and what is empty", () => {
  const outputs = {
    local: { ports: { site: 8000 } },
    next_steps: ["npm run table"],
    domain: { records: [{ name: "a", type: "CNAME" }], attached: false },
    none: [],
    deadLetterUrl: null,
    url: "https://x",
  };

  expect(formatOutputs(outputs)).toEqual([
    "url: https://x",
    "domain:",
    "  records:",
    "    1:",
    "      name: a",
    "      type: CNAME",
    "  attached: false",
    "none: -",
    "deadLetterUrl: -",
  ]);
  expect(formatOutputs({})).toEqual(["Nothing is deployed in this stage."]);
});

describe("readOutputs", () => {
  const EXTERNAL = { domain: { fqdn: "shop.example.com", dns: "external" }, stages: {} };
  const records = [{ name: "_acme-challenge.x.", type: "CNAME", value: "c.cm.yandexcloud.net." }];
  const certificate = {
    certificate_id: { value: "fpq" },
    certificate_status: { value: "VALIDATING" },
    records: { value: records },
  };

  test.each([
    ["no domain", {}, {}, { url: "https://x" }],
    ["a domain whose stack is not applied yet", EXTERNAL, {}, { url: "https://x" }],
    [
      "a domain, with the record of its certificate",
      EXTERNAL,
      certificate,
      { url: "https://x", certificate: { id: "fpq", status: "VALIDATING", records } },
    ],
  ])("tells of %s", async (_, config, domain, expected) => {
    const on = (stack: string, args: string) =>
      `terraform -chdir=cdktf.out/stacks/${stack} ${args}`;
    const system = fakeSystem({
      commands: {
        [`${process.execPath} run.mjs main.ts`]: "",
        [on("app", "init -input=false -no-color")]: "",
        [on("app", "output -json -no-color")]: JSON.stringify({ url: { value: "https://x" } }),
        [on("domain", "init -input=false -no-color")]: "",
        [on("domain", "output -json -no-color")]: JSON.stringify(domain),
      },
    });
    const terraform = new Terraform(system, { stage: undefined, env: {} });

    expect(await readOutputs(system, terraform, settings(config))).toEqual(expected);
  });
});
