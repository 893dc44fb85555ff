import { afterAll, beforeAll, expect, test } from "vitest";
import type { LostCreation } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { type Answer, newProject, type Project } from "../support/project.ts";
import { sampled } from "../support/sample.ts";

const DOMAIN = `domain: { fqdn: "shop.example.com", dns: { zoneId: "dnszone1", zone: "example.com" } },`;
/** Creations of a whole deploy with a domain. */
const CREATIONS = 32;

describeTerraform("a deploy in which a creation is lost", () => {
  const projects: Project[] = [];
  let whole: unknown;

  const start = async (creation?: LostCreation) => {
    const project = await newProject(DOMAIN);
    projects.push(project);
    project.change(({ others, faults }) => {
      others.yandex_dns_zone = { dnszone1: { name: "example", zone: "example.com." } };
      if (creation) faults.creation = creation;
    });
    return project;
  };

  beforeAll(async () => {
    const project = await start();
    const deploy = await project.npm("deploy");
    expect(deploy.code, deploy.output).toBe(0);
    expect(project.cloud().creates).toBe(CREATIONS);
    whole = cloudShape(project.cloud());
  });
  afterAll(async () => {
    for (const project of projects) await project.close();
  });

  // The whole thing dies: terraform, the provider, and the command that has started them.
  test(`by a kill, at ${sampled("creations of a deploy are killed", 4, CREATIONS)} of them, one run after the other`, async () => {
    const project = await start();
    const { runs, last } = await deployUntilDone(project, killEach(project));

    expect(runs).toBeGreaterThan(4);
    await expectWhole(project, last);
  });

  test("because only terraform dies, is finished by the same run", async () => {
    const project = await start({ at: 9, by: "kill" });

    const deploy = await project.npm("deploy");

    expect(deploy.output).toMatch(/App: .*took over \w/);
    await expectWhole(project, deploy);
  });

  test.each(["internal", "unavailable"] as const)(
    "because of an answer '%s', to each creation once, is finished by the runs after it",
    async (by) => {
      const project = await start({ at: "each", by });

      const { last } = await deployUntilDone(project);

      expect(project.cloud().lost?.length).toBeGreaterThanOrEqual(CREATIONS);
      await expectWhole(project, last);
    },
  );

  async function expectWhole(project: Project, last: Answer): Promise<void> {
    expect(last.code, last.output).toBe(0);
    // What the last run has made twice, only the next one can tell from what runs beside it.
    const next = await project.npm("deploy");
    expect(next.code, next.output).toBe(0);
    expect(next.output).not.toMatch(/[1-9]\d* (added|changed|destroyed)/);
    expect(cloudShape(project.cloud())).toEqual(whole);
    const verify = await project.npm("verify");
    expect(verify.output).toMatch(/leftovers +none/);
    expect(verify.code).toBe(0);
  }
});

async function deployUntilDone(project: Project, before: () => void = () => {}) {
  for (let runs = 1; ; runs += 1) {
    before();
    const last = await project.npm("deploy");
    if (process.env.SHOW) console.log(last.output);
    if (last.code === 0 || runs > CREATIONS * 2) return { runs, last };
  }
}

/** Arms a kill at the next creation that was not killed yet: all of them, or every eighth. */
function killEach(project: Project): () => void {
  const step = process.env.DEEP ? 1 : 8;
  return () =>
    project.change((cloud) => {
      const { creates = 0 } = cloud;
      cloud.faults.creation = { at: creates + (step === 1 ? 1 : step), by: "kill all" };
    });
}
