import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { get, startContainers } from "./_world.ts";

const SITE = "--config=python:celery_push_worker.web --threads=3 --timeout=30";
const WORKER = "--config=python:celery_push_worker.gunicorn --workers=3";

describe("gunicorn in a container", () => {
  test.each<[string, string[], string, number]>([
    ["a site serves its concurrency by threads", ["gunicorn", "together"], SITE, 1],
    ["the worker serves its concurrency by processes", ["gunicorn", "together"], WORKER, 3],
    [
      "an address of the command's own is overruled",
      ["sh", "-c", "exec gunicorn --bind 0.0.0.0:$PORT together"],
      SITE,
      1,
    ],
    ["a module is as good as a program", ["python", "-m", "gunicorn", "together"], SITE, 1],
  ])("%s", async (_, command, settings, processes) => {
    const MEETING = mkdtempSync(join(tmpdir(), "meeting-"));
    const { containers, happenings } = await startContainers([
      {
        command,
        requirements: "gunicorn.txt",
        concurrency: 3,
        healthPath: "/healthz",
        environment: { MEETING, GUNICORN_CMD_ARGS: settings },
      },
    ]);

    const answers = await Promise.all([0, 1, 2].map(() => get(containers, "/?3")));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(processes);
    const [address] = happenings.flatMap((one) =>
      one.type === "log" ? (/http:\/\/127\.0\.0\.1:\d+/.exec(one.message) ?? []) : [],
    );
    const direct = await fetch(`${address}/?1`, { method: "POST", body: "{}" });
    expect([direct.status, await direct.text()]).toEqual([
      403,
      "This is a container's own port, which only the local cloud may call. Use the address of the site.\n",
    ]);
  });
});
