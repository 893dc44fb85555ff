import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoredLogEntry } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";
import { workerEntry } from "../support/worker-entry.ts";

const MINUTE_MS = 60_000;
const NOW = Date.now();
/** Of the tasks of one hour; every second one is retried once. */
const MANY = 10_000;

describeTerraform("the tasks of a deployed stage", () => {
  let project: Project;
  let worker: string;

  beforeAll(async () => {
    project = await newProject();
    const deploy = await project.npm("deploy");
    expect(deploy.code, deploy.output).toBe(0);
    const { containers } = project.cloud();
    [worker = ""] = Object.keys(containers).filter((id) => containers[id]?.name === "shop-worker");
  });
  afterAll(() => project.close());

  /** The worker's line of a message. */
  function line(minutesAgo: number, payload: object): StoredLogEntry {
    const entry = workerEntry(NOW - minutesAgo * MINUTE_MS, payload);
    const resource = { type: "serverless.container", id: worker };
    return { ...entry, resource, saved_at: entry.timestamp };
  }

  function write(lines: readonly StoredLogEntry[]): void {
    project.change((cloud) => {
      const [group = ""] = Object.keys(cloud.others.yandex_logging_group ?? {});
      cloud.logs = { [group]: [...lines] };
    });
  }

  describe("few", () => {
    beforeAll(() => {
      const failing = line(10, {
        ...{ task_id: "t2", task_name: "shop.mail", root_id: "t1", parent_id: "t1" },
        ...{ state: "FAILURE", exception_type: "KeyError" },
      });
      const first = line(20, { task_id: "t1", task_name: "shop.pay", root_id: "t1" });
      write([failing, first, first]);
      project.change(({ tables }) => {
        const [table] = Object.values(tables);
        const meta = { status: "SUCCESS", result: { paid: true } };
        const B = Buffer.from(JSON.stringify(meta)).toString("base64");
        const id = { S: "b'celery-task-meta-t1'" };
        if (table) table.items = { [JSON.stringify({ id })]: { id, result: { B } } };
      });
    });

    test("are listed with waits and reasons, the last changed first", async () => {
      const tasks = await project.npm("tasks");

      expect(tasks).toMatchObject({ code: 0, stderr: "" });
      expect(tasks.stdout.trimEnd().split("\n")).toEqual([
        expect.stringMatching(/failed +shop\.mail .* t2 waited 2\.0 s queued .*KeyError$/),
        expect.stringMatching(/ok +shop\.pay .* t1 waited 2\.0 s queued {2}run 0\.5 s$/),
      ]);
    });

    test("are objects for programs, with flags that choose", async () => {
      const failed = await project.npm("tasks", ["--failed", "--json"]);
      const none = await project.npm("tasks", ["--name", "nothing"]);

      expect(JSON.parse(failed.stdout)).toMatchObject({ id: "t2", state: "failed" });
      expect(none).toMatchObject({ code: 0, stdout: "" });
      expect(none.stderr).toContain("No task has run in this time.");
    });

    test("one is told whole, with family and result", async () => {
      const story = await project.npm("task", ["t1"]);

      expect(story.code, story.output).toBe(0);
      expect(story.stdout).toContain('  result\n    {"paid":true}');
      expect(story.stdout).toContain("shop.mail  failed  t2");
    });

    test("one that is not there is said not to be", async () => {
      const none = await project.npm("task", ["t9"]);
      expect(none).toMatchObject({ code: 1, stdout: "" });
      expect(none.stderr).toContain("The log says nothing of task t9 in this time.");
    });
  });

  test(`${MANY} of them, over many pages in any order, are each there once`, async () => {
    const lines = Array.from({ length: MANY }, (_, number) => number).flatMap((number) => {
      const ids = { task_id: `t${number}`, task_name: "shop.pay" };
      const minutesAgo = 1 + (50 * number) / MANY;
      const last = line(minutesAgo, { ...ids, attempt: 1 + (number % 2) });
      if (number % 2 === 0) return [last];
      return [last, line(minutesAgo + 0.5, { ...ids, state: "RETRY" })];
    });
    write(lines);

    const tasks = await project.npm("tasks", ["--json"]);

    expect(tasks.code, tasks.stderr).toBe(0);
    const records = tasks.stdout
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(records.map(({ id }) => id)).toEqual(Array.from({ length: MANY }, (_, n) => `t${n}`));
    expect(records.every(({ state }) => state === "ok")).toBe(true);
    expect(records.map(({ attempts }) => attempts.length)).toEqual(
      Array.from({ length: MANY }, (_, number) => 1 + (number % 2)),
    );
  });
});
