import { afterAll, beforeAll, expect, test } from "vitest";
import type { LostCreation } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

const DOMAIN = `domain: { fqdn: "shop.example.com", dns: { zoneId: "dnszone1", zone: "example.com" } },`;
const SWEEP = (process.env.SWEEP ?? "1,12").split(",").map(Number);
const BY = (process.env.BY ?? "kill all").split(",") as any[];

describeTerraform("a deploy in which a creation is lost", () => {
  let whole: unknown;
  const start = async () => {
    const project = await newProject(DOMAIN);
    project.change(({ others }) => {
      others.yandex_dns_zone = { dnszone1: { name: "example", zone: "example.com." } };
    });
    return project;
  };

  beforeAll(async () => {
    const project = await start();
    const deploy = await project.npm("deploy");
    if (deploy.code !== 0) console.log(deploy.output);
    expect(deploy.code).toBe(0);
    whole = cloudShape(project.cloud());
    await project.close();
  });

  test.each(BY.flatMap((by) => SWEEP.map((at) => [by, at])))("%s at %s", async (by, at) => {
    const project = await start();
    project.change(({ faults }) => {
      faults.creation = { at, by };
    });
    const first = await project.npm("deploy");
    const second = await project.npm("deploy");
    const interesting = (o: string) =>
      o
        .split("\n")
        .filter((l) => !l.startsWith("…"))
        .join("\n");
    console.log(interesting(first.output), "=====", interesting(second.output));
    expect(second.code).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(whole);
    await project.close();
  });
});
