import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../../support/sources.ts";
import { get, startContainers } from "./_world.ts";

const WORKER = join(ROOT, "packages", "celery-push-worker", "src");

describe("gunicorn in a container", () => {
  test.each([
    ["a site serves its concurrency by threads of one process", ["gunicorn", "together"], 1],
    [
      "the worker serves its concurrency by processes",
      ["gunicorn", "-c", "python:celery_push_worker.gunicorn", "together"],
      3,
    ],
  ])("%s", async (_, command, processes) => {
    const MEETING = mkdtempSync(join(tmpdir(), "meeting-"));
    const { containers, happenings } = await startContainers([
      {
        command,
        requirements: "gunicorn.txt",
        concurrency: 3,
        healthPath: "/healthz",
        environment: { MEETING, PYTHONPATH: WORKER },
      },
    ]);

    const answers = await Promise.all([0, 1, 2].map(() => get(containers, "/?3")));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(processes);
    expect(happenings).toContainEqual(
      expect.objectContaining({
        type: "log",
        message: expect.stringContaining("Listening at: http://127.0.0.1:"),
      }),
    );
  });
});
