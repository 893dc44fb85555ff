import { afterAll, beforeAll, expect, test } from "vitest";
import type { StoredLogEntry } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const LINES = 10_000;
const DAY_MS = 24 * 3_600_000;

describeTerraform("a log of 10,000 lines, some of them long", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject();
    expect((await project.npm("deploy")).code).toBe(0);
    project.change((cloud) => {
      const [group = ""] = Object.keys(cloud.others.yandex_logging_group ?? {});
      const [id = ""] = Object.keys(cloud.containers);
      const start = Date.now() - DAY_MS;
      cloud.logs = {
        [group]: Array.from({ length: LINES }, (_, index): StoredLogEntry => {
          // In bursts: most of a minute's lines are written within a second.
          const after = Math.floor(index / 100) * 600_000 + (index % 100) * 10;
          const timestamp = new Date(start + after).toISOString();
          const message = index % 40 === 0 ? `${index} ${"я".repeat(20_000)}` : `line ${index}`;
          const resource = { type: "serverless.container", id };
          return {
            uid: `u${index}`,
            timestamp,
            saved_at: timestamp,
            level: "INFO",
            message,
            resource,
          };
        }),
      };
    });
  });
  afterAll(() => project.close());

  test("comes whole, in order, each line once", async () => {
    const { code, stdout, stderr } = await project.npm("logs", ["--since", "2d", "--json"]);

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const uids = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as StoredLogEntry).uid);
    expect(uids).toEqual(Array.from({ length: LINES }, (_, index) => `u${index}`));
  });
});
