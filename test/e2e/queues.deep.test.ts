import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

const QUEUES = `queues: {
  heavy: { worker: { memoryMib: 4096, timeoutSeconds: 3600 } },
  low_prio: { batchSize: 10 },
},`;
const MOVED = "queues: { heavy: {}, low_prio: { worker: {} } },";

describeTerraform("a stage with further queues", () => {
  let project: Project;
  let whole: unknown;

  beforeAll(async () => {
    project = await newProject(QUEUES);
  });
  afterAll(() => project.close());

  const containers = () => Object.values(project.cloud().containers).map(({ name }) => name);
  const queues = () => Object.values(project.cloud().queues).map(({ name }) => name);
  /** The container that each queue's messages go to. */
  const targets = () => {
    const { triggers, containers } = project.cloud();
    const entries = Object.values(triggers).map(({ name, rule }) => [
      name,
      containers[rule.message_queue?.invoke_container.container_id ?? ""]?.name,
    ]);
    return Object.fromEntries(entries);
  };

  test("deploy makes all of them, and tells every container where they are", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("The site is at https://");
    expect(deploy.code, deploy.output).toBe(0);
    expect(queues().sort()).toEqual([
      "shop-tasks",
      "shop-tasks-dead",
      "shop-tasks-heavy",
      "shop-tasks-heavy-dead",
      "shop-tasks-low-prio",
      "shop-tasks-low-prio-dead",
    ]);
    expect(containers().sort()).toEqual(["shop-web", "shop-worker", "shop-worker-heavy"]);
    expect(targets()).toEqual({
      "shop-tasks": "shop-worker",
      "shop-tasks-heavy": "shop-worker-heavy",
      "shop-tasks-low-prio": "shop-worker",
    });
    const urls = Object.entries(project.cloud().queues).map(([url, { name }]) => [name, url]);
    const byName = Object.fromEntries(urls);
    for (const { revisions } of Object.values(project.cloud().containers)) {
      expect(JSON.parse(String(revisions.at(-1)?.environment.SQS_QUEUES))).toEqual({
        heavy: byName["shop-tasks-heavy"],
        low_prio: byName["shop-tasks-low-prio"],
      });
    }
    whole = cloudShape(project.cloud());
  });

  test("a second deploy changes nothing, and a plan is empty", async () => {
    const deploy = await project.npm("deploy");
    const plan = await project.npm("plan");

    expect(deploy.output).toMatch(/App: no change[\s\S]*Triggers: no change/);
    expect(plan.output.match(/No changes\./g)).toHaveLength(2);
    expect(cloudShape(project.cloud())).toEqual(whole);
  });

  test("verify looks at every worker, trigger and queue of dead letters", async () => {
    const fine = await project.npm("verify");
    const { queues: messages } = project.http.messages;
    for (const body of ["a", "b"]) messages.send("shop-tasks-heavy-dead", { body });
    const found = await project.npm("verify");

    expect(fine.code, fine.output).toBe(0);
    expect(fine.output).toMatch(/✔ worker-heavy: active revision[\s\S]*✔ dead letters +none/);
    expect(fine.output).toMatch(/✔ trigger shop-tasks-heavy[\s\S]*✔ trigger shop-tasks-low-prio/);
    expect(found.output).toMatch(/✖ dead letters +2 messages of queue heavy/);
    expect(found.code).toBe(1);
  });

  test("outputs shows the address of each by Celery's name", async () => {
    const { output } = await project.npm("outputs");

    expect(output).toMatch(
      /further:\s+heavy:\s+deadLetterUrl: \S+shop-tasks-heavy-dead\s+url: \S+shop-tasks-heavy\n\s+low_prio:/,
    );
  });

  test("a worker of a queue's own comes and goes, and its trigger with it", async () => {
    project.configure(MOVED);

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(containers().sort()).toEqual(["shop-web", "shop-worker", "shop-worker-low-prio"]);
    expect(targets()).toEqual({
      "shop-tasks": "shop-worker",
      "shop-tasks-heavy": "shop-worker",
      "shop-tasks-low-prio": "shop-worker-low-prio",
    });
  });

  test("killed on the way back, the next deploy finishes it", async () => {
    project.configure(QUEUES);

    const killed = await project.killAt(/✔ App/, "deploy");
    const second = await project.npm("deploy");

    expect(killed.code).toBe(-1);
    expect(second.code, second.output).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(whole);
  });

  test("Terraform makes the same triggers", async () => {
    project.configure(`${QUEUES} trigger: "terraform",`);

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(whole);
  });

  test("without them, what was theirs is gone", async () => {
    project.configure("");

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(queues().sort()).toEqual(["shop-tasks", "shop-tasks-dead"]);
    expect(containers().sort()).toEqual(["shop-web", "shop-worker"]);
    expect(targets()).toEqual({ "shop-tasks": "shop-worker" });
  });

  test("destroy leaves nothing", async () => {
    project.configure(QUEUES);
    await project.npm("deploy");

    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.output).toContain("Nothing is left");
    expect(destroy.code).toBe(0);
    const empty = await newProject();
    expect(cloudShape(project.cloud())).toEqual(cloudShape(empty.cloud()));
    await empty.close();
  });

  test("a name that the cloud does not take is refused before anything", async () => {
    project.configure('queues: { "Video.Encode": {}, default: {} },');

    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain(
      "'queues.Video.Encode' is \"Video.Encode\", allowed: lowercase",
    );
    expect(deploy.output).toContain("'queues.default' is \"default\", allowed: a further queue");
    expect(deploy.code).toBe(1);
  });
});
