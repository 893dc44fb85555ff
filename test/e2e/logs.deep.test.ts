import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoredLogEntry } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const MINUTE_MS = 60_000;

describeTerraform("the log of a deployed stage", () => {
  let project: Project;
  /** Ids of the containers, by role. */
  let ids: Record<string, string>;
  let group: string;

  beforeAll(async () => {
    project = await newProject();
    const deploy = await project.npm("deploy");
    expect(deploy.code, deploy.output).toBe(0);
    const { containers, others } = project.cloud();
    ids = Object.fromEntries(
      Object.entries(containers).map(([id, { name }]) => [name.replace("shop-", ""), id]),
    );
    [group = ""] = Object.keys(others.yandex_logging_group ?? {});
    // The service may give a line more than once.
    const failure = entry("u3", 10, "worker", {
      ...{ level: "ERROR", message: "Task t.add[t1] raised unexpected: KeyError(1)" },
      json_payload: { task_id: "t1", exception: "Traceback:\n  File\nKeyError: 1" },
    });
    write(
      entry("u1", 30, "web", { level: "INFO", message: "GET /\x1b[2J" }),
      entry("u2", 20, "worker", { level: "INFO", message: "START RequestID: r" }),
      failure,
      failure,
      entry("u4", 5, "worker", {
        ...{ level: "INFO", message: "t.add[t1]: FAILURE" },
        json_payload: { task_id: "t1", outcome: "done", duration_seconds: 0.5 },
      }),
      entry("u5", 120, "web", { level: "WARN", message: "two hours ago" }),
    );
  });
  afterAll(() => project.close());

  function entry(
    uid: string,
    minutesAgo: number,
    role: string,
    fields: Partial<StoredLogEntry>,
  ): StoredLogEntry {
    const timestamp = new Date(Date.now() - minutesAgo * MINUTE_MS).toISOString();
    const resource = { type: "serverless.container", id: ids[role] ?? "" };
    return { uid, timestamp, saved_at: timestamp, resource, ...fields };
  }

  function write(...entries: StoredLogEntry[]): void {
    project.change((cloud) => {
      cloud.logs ??= {};
      cloud.logs[group] = [...(cloud.logs[group] ?? []), ...entries];
    });
  }

  /** Lines without their times. */
  function shown(text: string): string[] {
    return text
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} /, ""));
  }

  test("the last hour, the oldest first, without the platform's lines", async () => {
    const logs = await project.npm("logs");

    expect(logs).toMatchObject({ code: 0, stderr: "" });
    expect(shown(logs.stdout)).toEqual([
      "web     INFO  GET /",
      "worker  ERROR Task t.add[t1] raised unexpected: KeyError(1)",
      "    Traceback:",
      "      File",
      "    KeyError: 1",
      "worker  INFO  t.add[t1]: FAILURE  0.50 s",
    ]);
  });

  test.each([
    [
      ["--task", "t1", "--level", "info"],
      ["u3", "u4"],
    ],
    [
      ["--container", "web", "--since", "3h"],
      ["u5", "u1"],
    ],
    [
      ["--level", "warn", "--since", "1d"],
      ["u5", "u3"],
    ],
    [["--task", "x", "--json"], []],
  ])("%j: the service looks for them", async (flags, uids) => {
    const { stdout } = await project.npm("logs", ["--json", ...flags]);

    const lines = stdout.split("\n").filter((line) => line !== "");
    expect(lines.map((line) => (JSON.parse(line) as StoredLogEntry).uid)).toEqual(uids);
  });

  test("--platform shows those of the platform, too", async () => {
    const { stdout } = await project.npm("logs", ["--platform", "--container", "worker"]);

    expect(shown(stdout)[0]).toBe("worker  INFO  START RequestID: r");
  });

  test("nothing there: says how far it has looked", async () => {
    const logs = await project.npm("logs", ["--task", "x"]);

    expect(logs).toMatchObject({ code: 0, stdout: "" });
    expect(logs.stderr).toMatch(
      /^No such line since [\d-]+ [\d:.]+\. Look further back with --since, up to 3 days\.\n$/,
    );
  });

  test("nothing of the shell's secrets reaches yc, and no token its command line", async () => {
    await project.npm("logs", [], { PLANTED_TOKEN: "secret" });

    const { leaked = [], log } = project.cloud();
    expect(leaked).toEqual([]);
    expect(log.filter((line) => line.startsWith("yc logging")).join("\n")).not.toMatch(
      /t1\.|token/,
    );
  });

  test.each([
    [["--since", "yesterday"], 2, "--since takes 90s, 30m, 2h or 3d, or a time such as"],
    [["--level", "loud"], 2, "--level takes trace, debug, info, warn, error, fatal"],
    [["--container", "db"], 2, '--container "db" is not in this stage (known: '],
    [["--task", "x".repeat(1000)], 1, "The filter has 1025 characters"],
  ])("%j is refused", async (flags, code, message) => {
    const logs = await project.npm("logs", flags);

    expect(logs).toMatchObject({ code, stdout: "" });
    expect(logs.stderr).toContain(message);
  });

  test("--follow goes on until Ctrl-C, and ends quietly", async () => {
    const before = Date.now();
    const child = spawn(process.execPath, ["run.mjs", "scripts/logs.ts", "--follow"], {
      ...{ cwd: project.dir, env: project.env, stdio: ["ignore", "pipe", "pipe"] },
    });
    const ended = once(child, "close");
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    await expect.poll(() => output, { timeout: 30_000 }).toContain("FAILURE");
    write(
      entry("u6", 0, "web", {
        ...{ level: "INFO", message: "comes late" },
        timestamp: new Date(before - 1000).toISOString(),
      }),
      entry("u7", 0, "web", { level: "INFO", message: "comes in time" }),
    );

    await expect.poll(() => output, { timeout: 30_000 }).toContain("comes in time");
    child.kill("SIGINT");

    expect(await ended).toEqual([0, null]);
    expect(shown(output).slice(-2)).toEqual([
      "web     INFO  comes late",
      "web     INFO  comes in time",
    ]);
  });

  describe("which nobody may read", () => {
    beforeAll(() =>
      project.change(({ faults }) => {
        faults.logging = "denied";
      }),
    );

    test("names the role", async () => {
      const logs = await project.npm("logs");

      expect(logs).toMatchObject({ code: 1, stdout: "" });
      expect(logs.stderr).toContain("Reading logs takes the role logging.reader.\n");
    });
  });
});
