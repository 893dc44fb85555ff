import { afterAll, beforeAll, expect, test } from "vitest";
import type { Trigger } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const SCHEDULE = `schedule: "schedule.json",`;
const BY_TERRAFORM = `${SCHEDULE} trigger: "terraform",`;
const TOKEN = { YC_TOKEN: "t1.stand-in.token" };

const NIGHTLY = { name: "nightly", cron: "15 3 * * ? *", payload: '{"task": "report"}' };
const HOURLY = { name: "hourly", cron: "0 * * * ? *", payload: "price: ${amount}" };

describeTerraform("what makes the triggers", () => {
  let project: Project;
  let byYc: Rules;

  const schedule = (...timers: object[]) =>
    project.write("schedule.json", JSON.stringify({ version: 1, timers }));

  beforeAll(async () => {
    project = await newProject(SCHEDULE);
    schedule(NIGHTLY, HOURLY);
    await project.npm("deploy");
    byYc = rules(project);
  });
  afterAll(() => project.close());

  test("by default is `yc`: one for the queue and one for each line of the schedule", () => {
    expect(Object.keys(byYc)).toEqual(["shop-hourly", "shop-nightly", "shop-tasks"]);
    expect(byYc["shop-hourly"]?.timer).toMatchObject({
      cron_expression: HOURLY.cron,
      payload: HOURLY.payload,
    });
  });

  test("with a token is the API, which makes the same ones", async () => {
    const same = await project.npm("trigger", [], TOKEN);
    const gone = await project.npm("trigger", ["--delete"], TOKEN);
    const withoutAny = rules(project);
    const made = await project.npm("trigger", [], TOKEN);
    const afterwards = rules(project);
    const again = await project.npm("trigger", [], TOKEN);

    expect(same).toMatchObject({ code: 0, output: "no change\n" });
    expect(gone.output.match(/^delete/gm)).toHaveLength(3);
    expect(withoutAny).toEqual({});
    expect(made.output.match(/^create/gm)).toHaveLength(3);
    expect(afterwards).toEqual(byYc);
    expect(again).toMatchObject({ code: 0, output: "no change\n" });
  });

  test("changed through the API is what `yc` finds in order", async () => {
    project.configure(`${SCHEDULE} batchSize: 2, batchCutoffSeconds: 5,`);
    schedule({ ...NIGHTLY, cron: "30 4 * * ? *" }, HOURLY);
    await project.npm("deploy", [], TOKEN);
    const changed = rules(project);
    const byYcThen = await project.npm("trigger");

    expect(changed["shop-tasks"]?.message_queue?.batch_settings).toEqual({
      size: "2",
      cutoff: "5s",
    });
    expect(changed["shop-nightly"]?.timer?.cron_expression).toBe("30 4 * * ? *");
    expect(byYcThen).toMatchObject({ code: 0, output: "no change\n" });
  });

  test("turned to Terraform replaces them by equal ones", async () => {
    project.configure(BY_TERRAFORM);
    schedule(NIGHTLY, HOURLY);

    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("The site is at https://");
    expect(deploy.code).toBe(0);
    expect(rules(project)).toEqual(byYc);
  });

  test("stays with Terraform, and neither the next deploy nor the script changes a thing", async () => {
    const before = project.cloud().triggers;

    const deploy = await project.npm("deploy");
    const trigger = await project.npm("trigger");

    expect(deploy.output).toMatch(/Take over triggers: no change[\s\S]*App: no change/);
    expect(trigger.output).toContain("Terraform creates the triggers");
    expect(project.cloud().triggers).toEqual(before);
  });

  test("is Terraform when a line leaves the schedule, and its timer goes", async () => {
    schedule(HOURLY);

    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(0);
    expect(Object.keys(rules(project))).toEqual(["shop-hourly", "shop-tasks"]);
  });

  test("turned back to `yc` leaves one of each, equal to the first ones", async () => {
    project.configure(SCHEDULE);
    schedule(NIGHTLY, HOURLY);

    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("The site is at https://");
    expect(deploy.code).toBe(0);
    expect(rules(project)).toEqual(byYc);
  });

  test("is `yc` when a line leaves the schedule, and its timer goes", async () => {
    schedule(NIGHTLY);

    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("delete shop-hourly (no longer in the stack)");
    expect(deploy.code).toBe(0);
    expect(Object.keys(rules(project))).toEqual(["shop-nightly", "shop-tasks"]);
  });
});

type Rules = Record<string, Trigger["rule"]>;

/** The rules by name. A name that is there twice fails the test that asks. */
function rules(project: Project): Rules {
  const triggers = Object.values(project.cloud().triggers);
  const byName = triggers.map(({ name, rule }) => [name, rule] as const).sort();
  expect(new Set(triggers.map(({ name }) => name)).size).toBe(triggers.length);
  return Object.fromEntries(byName);
}
