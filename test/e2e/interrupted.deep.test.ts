import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

const DOMAIN = `domain: { fqdn: "shop.example.com", dns: "external" },`;

// What the user sees when a step has ended, and, where a tool works in a step, when it begins. Not when
// the last has ended: the command may be faster than the kill.
const PLACES = [
  "✔ Pre-flight",
  "✔ Registry",
  "✔ Domain",
  "… Image",
  "✔ Image",
  "… App",
  "✔ App",
  "✔ Results table",
  "✔ Triggers",
  "… Verify",
];

const GATEWAY = /yandex_api_gateway\S+: Creation complete/;

describeTerraform("a deploy that is killed", () => {
  const projects: Project[] = [];
  const start = async () => {
    const project = await newProject(DOMAIN);
    projects.push(project);
    return project;
  };
  let whole: unknown;

  afterAll(async () => {
    for (const project of projects) await project.close();
  });

  test("has something to be compared with: one that was not", async () => {
    const project = await start();

    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(0);
    for (const place of PLACES) expect(deploy.output).toContain(place);
    whole = cloudShape(project.cloud());
  });

  test.each(PLACES)(
    "at '%s' is finished by the next one, and the third changes nothing",
    async (place) => {
      const project = await start();

      const killed = await project.killAt(new RegExp(place), "deploy");
      const second = await project.npm("deploy");
      const afterSecond = cloudShape(project.cloud());
      const third = await project.npm("deploy");

      expect(killed.code).toBe(-1);
      expect(second.output).toContain("The site is at https://");
      expect(second.code).toBe(0);
      expect(afterSecond).toEqual(whole);
      expect(third.code).toBe(0);
      expect(third.output).not.toMatch(/[1-9]\d* (added|changed|destroyed)/);
      expect(cloudShape(project.cloud())).toEqual(whole);
    },
  );

  // Terraform writes the state in place: for a moment it is empty, or half of it is there.
  test.each([
    ["empty", 0],
    ["half", 0.5],
  ])("while Terraform writes the state, which is %s, is finished by the next", async (_, part) => {
    const project = await start();

    const killed = await project.killAllAt(GATEWAY, "deploy", ["--verbose"]);
    cut(project, part);
    const second = await project.npm("deploy");
    const third = await project.npm("deploy");

    expect(killed.code).toBe(-1);
    expect(second.code, second.output).toBe(0);
    expect(second.output).toContain("put back the state from before a killed run");
    expect(cloudShape(project.cloud())).toEqual(whole);
    expect(third.output).not.toMatch(/[1-9]\d* (added|changed|destroyed)|put back/);
  });

  test("while Terraform writes the state of a site that serves keeps its address", async () => {
    const project = await start();
    const first = await project.npm("deploy");
    const gateways = Object.keys(project.cloud().gateways);
    project.configure(`${DOMAIN} web: { memoryMib: 1024 },`);

    await project.killAllAt(/yandex_serverless_container\S+: Modif/, "deploy", ["--verbose"]);
    cut(project, 0);
    const second = await project.npm("deploy");

    // Killed so late that all was done, it has nothing to do, and nothing to say: the state is there again.
    expect(second.code, second.output).toBe(0);
    expect(second.output).toMatch(/put back the state from before a killed run|App: no change/);
    expect(stateOf(project)).toContain(gateways[0]);
    const [address] = /The site is at \S+/.exec(first.output) ?? ["no address"];
    expect(second.output).toContain(address);
    expect(Object.keys(project.cloud().gateways)).toEqual(gateways);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "by %s while Terraform works lets it end, says so, and is finished by the next one",
    async (signal) => {
      const project = await start();
      // Some things are made by then, and some are not.
      const first = /yandex_iam_service_account\S+: Creating/;

      const killed = await project.killAt(first, "deploy", ["--verbose"], signal);
      const app = join(project.dir, ".state/default/app.tfstate");
      const inState = new Set(JSON.parse(readFileSync(app, "utf8")).resources.map(nameOf));
      const accounts = Object.values(project.cloud().accounts).map(({ name }) => name);
      const second = await project.npm("deploy");

      expect(killed.stderr).toBe("Interrupted. Run the same command again to finish.\n");
      expect(killed.code).not.toBe(0);
      // What was made is known, and no lock is left behind.
      expect(accounts.length).toBeGreaterThan(0);
      expect(accounts.filter((name) => !inState.has(name))).toEqual([]);
      expect(second.code).toBe(0);
      expect(cloudShape(project.cloud())).toEqual(whole);
    },
  );
});

function stateOf(project: Project): string {
  return readFileSync(join(project.dir, ".state/default/app.tfstate"), "utf8");
}

function cut(project: Project, part: number): void {
  const file = join(project.dir, ".state/default/app.tfstate");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.slice(0, text.length * part));
}

function nameOf({ instances }: { instances: { attributes: { name?: string } }[] }) {
  return instances[0]?.attributes.name;
}
