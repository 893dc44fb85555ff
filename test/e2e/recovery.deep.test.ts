import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LostCreation } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { type Answer, newProject, type Project } from "../support/project.ts";

const DOMAIN = `domain: { fqdn: "shop.example.com", dns: { zoneId: "dnszone1", zone: "example.com" } },`;
/** Dozens of deploys, one after the other. */
const TIMEOUT = { timeout: 60 * 60_000 };
/** Creations of a whole deploy with a domain. */
const CREATIONS = 32;

describeTerraform("a deploy with a database in which a creation is lost", () => {
  const CONFIG = "postgres: {}, release: false,";

  test.each(["kill all", "internal"] as const)(
    "by '%s', at each creation once, is finished by the runs after it",
    TIMEOUT,
    async (by) => {
      const [plain, project] = [await newProject(CONFIG), await newProject(CONFIG)];
      project.change(({ faults }) => {
        faults.creation = { at: "each", by };
      });
      const deploy = await plain.npm("deploy");

      const last = await deployUntilDone(project);
      const next = await project.npm("deploy");

      expect(deploy.code, deploy.output).toBe(0);
      expect(last.code, last.output).toBe(0);
      expect(next.output).not.toMatch(/[1-9]\d* (added|changed|destroyed)/);
      expect(cloudShape(project.cloud())).toEqual(cloudShape(plain.cloud()));
      await plain.close();
      await project.close();
    },
  );
});

describeTerraform("a deploy in which a creation is lost", () => {
  const projects: Project[] = [];
  let first: Project;
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
    first = await start();
    const deploy = await first.npm("deploy");
    expect(deploy.code, deploy.output).toBe(0);
    expect(first.cloud().creates).toBe(CREATIONS);
    whole = cloudShape(first.cloud());
  });
  afterAll(async () => {
    for (const project of projects) await project.close();
  });

  test("because only terraform dies, is finished by the same run", async () => {
    const project = await start({ at: 9, by: "kill" });

    const deploy = await project.npm("deploy");

    expect(deploy.output).toMatch(/App: .*took over \w/);
    await expectWhole(project, deploy);
  });

  // `kill all` ends the command that has started terraform too.
  test.each(["kill all", "internal", "unavailable"] as const)(
    "by '%s', at each creation once, is finished by the runs after it",
    TIMEOUT,
    async (by) => {
      const project = await start({ at: "each", by });

      const last = await deployUntilDone(project);

      expect(project.cloud().lost?.length).toBeGreaterThanOrEqual(CREATIONS);
      await expectWhole(project, last);
    },
  );

  test("names a key that somebody has made by hand, and leaves it alone", async () => {
    first.change(({ keys, accounts }) => {
      const accountId = Object.keys(accounts).find((id) => accounts[id]?.name === "shop-runtime");
      keys.YCAJEOWN = { id: "ajeown", accountId: String(accountId), secret: "s" };
    });

    const deploy = await first.npm("deploy");
    const verify = await first.npm("verify");

    const line = /leftovers.* nothing uses key ajeown of account shop-runtime/;
    expect(deploy.output).toMatch(line);
    expect(deploy.code).toBe(0);
    expect(verify.output).toMatch(line);
    expect(verify.output).toContain("`yc iam access-key delete ajeown` deletes it.");
    expect(verify.code).toBe(1);
    expect(first.cloud().keys.YCAJEOWN).toBeDefined();
  });

  // As from another machine, on which nobody has deployed yet.
  test("refuses what another state has made, in words, until the user says that it is theirs", async () => {
    rmSync(join(first.dir, ".state"), { recursive: true });
    const before = cloudShape(first.cloud());
    const [registry = ""] = Object.keys(first.cloud().registries);

    const refused = await first.npm("deploy");
    const owned = await first.npm("deploy", ["--take-over", registry]);

    expect(refused.output).toContain(
      `  - registry shop-images (${registry}), created with another state`,
    );
    expect(refused.output).toContain("Did somebody else deploy this stage");
    expect(refused.output).toContain(
      `\`npm run deploy -- --take-over ${registry}\` takes them over`,
    );
    expect(refused.code).toBe(1);
    expect(owned.output).toContain(`Registry: took over registry shop-images (${registry})`);
    expect(owned.output).toMatch(/Stack domain would create[\s\S]*certificate shop-certificate/);
    expect(owned.code).toBe(1);
    expect(cloudShape(first.cloud())).toEqual(before);
  });

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

async function deployUntilDone(project: Project): Promise<Answer> {
  for (let runs = 1; ; runs += 1) {
    const answer = await project.npm("deploy");
    if (answer.code === 0 || runs > CREATIONS * 2) return answer;
  }
}
