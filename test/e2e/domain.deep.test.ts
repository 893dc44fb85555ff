import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Certificate } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const FQDN = "shop.example.com";
const ZONE_ID = "dnszone0000000000001";
const CLOUD_DNS = `domain: { fqdn: "${FQDN}", dns: { zoneId: "${ZONE_ID}", zone: "example.com" } },`;
const EXTERNAL = `domain: { fqdn: "${FQDN}", dns: "external" },`;

// Half a minute between two looks at a certificate is right for a user, not for a test.
const QUICK = `import timers from "node:timers/promises";
import { syncBuiltinESMExports } from "node:module";
const { setTimeout: slow } = timers;
timers.setTimeout = (milliseconds, ...rest) => slow(milliseconds / 100, ...rest);
syncBuiltinESMExports();
`;

describeTerraform("a domain in Cloud DNS", () => {
  let project: Project;
  let gatewayId: string;

  beforeAll(async () => {
    project = await newProject(CLOUD_DNS);
    project.change((cloud) => {
      cloud.others.yandex_dns_zone = { [ZONE_ID]: { name: "zone", zone: "example.com." } };
    });
  });
  afterAll(() => project.close());

  test("does not hold up the first deploy, which says when to come again", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain(`The site is at https://${gateway(project).domain}`);
    expect(deploy.output).toContain(`${FQDN} is not attached yet: its certificate is VALIDATING.`);
    expect(deploy.output).toContain("Run `npm run deploy` again then, or with --wait now.");
    expect(deploy.output).not.toContain("at its DNS provider");
    expect(deploy.code).toBe(0);
    expect(gateway(project).domains).toEqual([]);
    gatewayId = gateway(project).id;
  });

  test("has its records made: for the certificate, and for the site", () => {
    const { dnsRecords, certificates } = project.cloud();
    const [certificateId] = Object.keys(certificates);

    expect(dnsRecords).toEqual({
      [`${ZONE_ID}/_acme-challenge.${FQDN}./CNAME`]: [`${certificateId}.cm.yandexcloud.net.`],
      [`${ZONE_ID}/${FQDN}./CNAME`]: [`${gateway(project).domain}.`],
    });
  });

  test("fails the deploy when it cannot be attached, and never replaces the gateway", async () => {
    setCertificate(project, "ISSUED");
    setFault(project, true);

    const deploy = await project.npm("deploy");
    setFault(project, false);

    expect(deploy.output).toContain("Domain was not attached");
    expect(deploy.code).toBe(1);
    expect(gateway(project)).toMatchObject({ id: gatewayId, domains: [] });
  });

  test("is attached in place by the next deploy", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("App: 0 added, 1 changed, 0 destroyed");
    expect(deploy.output).toContain(`The site is at https://${FQDN}`);
    expect(deploy.output).not.toContain("not attached");
    expect(deploy.code).toBe(0);
    expect(gateway(project)).toMatchObject({ id: gatewayId, domains: [{ fqdn: FQDN }] });
  });

  test.each<[Certificate["status"], RegExp]>([
    ["RENEWING", /Domain: left alone, the certificate is being renewed/],
    ["RENEWAL_FAILED", /Domain: no change/],
  ])(
    "stays attached while its certificate is %s, and neither plan nor deploy minds",
    async (status, domainOutcome) => {
      setCertificate(project, status);

      const plan = await project.npm("plan");
      const deploy = await project.npm("deploy", ["--wait"]);

      expect(plan.output).not.toMatch(/Plan: /);
      expect(plan.code).toBe(0);
      expect(deploy.output).toMatch(domainOutcome);
      expect(deploy.output).toContain("App: no change");
      expect(deploy.output).toContain("Certificate: attached already");
      expect(deploy.code).toBe(0);
      expect(gateway(project)).toMatchObject({ id: gatewayId, domains: [{ fqdn: FQDN }] });
    },
  );

  test("is attached by one deploy to a gateway that is recreated", async () => {
    const destroy = await project.run(
      "terraform",
      ["-chdir=cdktf.out/stacks/app", "destroy", "-auto-approve", "-no-color"],
      { YC_TOKEN: "t1.stand-in.token" },
    );

    const deploy = await project.npm("deploy");

    expect(destroy.code).toBe(0);
    expect(deploy.output).toContain(`The site is at https://${FQDN}`);
    expect(deploy.code).toBe(0);
    expect(gateway(project)).toMatchObject({ domains: [{ fqdn: FQDN }] });
    expect(gateway(project).id).not.toBe(gatewayId);
  });

  test("goes between app and registry when the stage is destroyed; the zone stays", async () => {
    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.output).toMatch(
      /✔ Triggers[\s\S]*✔ App: destroyed[\s\S]*✔ Domain: destroyed[\s\S]*✔ Images and registry: destroyed/,
    );
    expect(destroy.output).toMatch(/Left as they are:\n {2}the DNS zone example\.com/);
    expect(destroy.code).toBe(0);
    const { dnsRecords, certificates, gateways, registries } = project.cloud();
    expect([dnsRecords, certificates, gateways, registries]).toEqual([{}, {}, {}, {}]);
  });
});

describeTerraform("a domain with DNS elsewhere", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject(EXTERNAL);
    project.write("quick.mjs", QUICK);
  });
  afterAll(() => project.close());

  test("is no part of a plan before the first deploy, which says so", async () => {
    const plan = await project.npm("plan");

    expect(plan.output).toContain("Not planned: the app looks the registry up");
    expect(plan.code).toBe(0);
  });

  test("has the exact records printed, and again by `npm run outputs`", async () => {
    const deploy = await project.npm("deploy");
    const outputs = await project.npm("outputs");

    const [certificateId] = Object.keys(project.cloud().certificates);
    expect(deploy.output).toContain(
      [
        `DNS records to create for ${FQDN} at its DNS provider:`,
        `  _acme-challenge.${FQDN}.  CNAME  ${certificateId}.cm.yandexcloud.net.`,
        `  ${FQDN}.  CNAME  ${gateway(project).domain}.`,
        `${FQDN} is not attached yet`,
      ].join("\n"),
    );
    expect(deploy.code).toBe(0);
    expect(outputs.output).toContain(`value: ${gateway(project).domain}.`);
    expect(project.cloud().dnsRecords).toEqual({});
  });

  test("is waited for with --wait, and attached in the same run", async () => {
    const { id } = gateway(project);
    const lookups = () =>
      project.cloud().log.filter((line) => line.includes("certificate-manager")).length;
    const before = lookups();
    const deploying = project.npm("deploy", ["--wait"], {
      NODE_OPTIONS: `--import ${join(project.dir, "quick.mjs")}`,
    });
    // One look is that of step Domain.
    await vi.waitFor(() => expect(lookups()).toBeGreaterThan(before + 3), 120_000);
    setCertificate(project, "ISSUED");

    const deploy = await deploying;

    expect(deploy.output).toContain("Certificate: 0 added, 1 changed, 0 destroyed");
    expect(deploy.output).toContain(`The site is at https://${FQDN}`);
    expect(deploy.code).toBe(0);
    expect(gateway(project)).toMatchObject({ id, domains: [{ fqdn: FQDN }] });
  });

  test("stops no hotfix when its certificate is refused, and stays as it is", async () => {
    const before = gateway(project);
    setCertificate(project, "INVALID");
    project.configure(`${EXTERNAL} env: { HOTFIX: "1" },`);

    const plan = await project.npm("plan");
    const deploy = await project.npm("deploy", ["--wait"]);

    expect(plan.output.match(/Not planned: the certificate is INVALID\./g)).toHaveLength(1);
    expect(plan.output).toContain("HOTFIX");
    expect(plan.code).toBe(0);
    expect(deploy.output).toContain("Domain: left alone, the certificate is INVALID");
    expect(deploy.output).toContain("App: 0 added, 2 changed, 0 destroyed");
    expect(deploy.output).toContain(
      `${FQDN} needs another certificate, because this one is INVALID`,
    );
    expect(deploy.output).toContain("Set 'domain' to false in config.ts and deploy, delete the");
    expect(deploy.code).toBe(0);
    expect(gateway(project)).toEqual(before);
    const environments = Object.values(project.cloud().containers).map(
      ({ revisions }) => revisions.findLast(({ status }) => status === "ACTIVE")?.environment,
    );
    expect(environments).toMatchObject([{ HOTFIX: "1" }, { HOTFIX: "1" }]);
  });

  test("gets a new certificate when the old one was deleted by hand", async () => {
    project.change((cloud) => {
      cloud.certificates = {};
    });
    project.configure(EXTERNAL);

    const plan = await project.npm("plan");
    const deploy = await project.npm("deploy");

    expect(plan.output).toContain(
      "Not planned: the certificate is gone; a deploy creates another.",
    );
    expect(deploy.output).toContain(`${FQDN} is not attached yet: its certificate is VALIDATING.`);
    expect(deploy.code).toBe(0);
    expect(Object.keys(project.cloud().certificates)).toHaveLength(1);
  });

  test("says how to get another certificate while it is not attached, and can be destroyed", async () => {
    setCertificate(project, "INVALID");

    const deploy = await project.npm("deploy");
    const destroy = await project.npm("destroy", ["--yes"]);

    const fix = /Delete it \(`yc certificate-manager certificate delete fpq\w+`\) and deploy again/;
    expect(deploy.output).toMatch(fix);
    expect(deploy.output).not.toContain("_acme-challenge");
    expect(deploy.code).toBe(0);
    expect(destroy.code, destroy.output).toBe(0);
    expect(project.cloud().certificates).toEqual({});
  });
});

function gateway(project: Project) {
  const [[id, one] = []] = Object.entries(project.cloud().gateways);
  return { id: String(id), domain: String(one?.domain), domains: one?.domains };
}

function setCertificate(project: Project, status: Certificate["status"]): void {
  project.change(({ certificates }) => {
    for (const certificate of Object.values(certificates)) certificate.status = status;
  });
}

function setFault(project: Project, attachDomain: boolean): void {
  project.change((cloud) => {
    cloud.faults.attachDomain = attachDomain;
  });
}
