import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectNotes } from "../../../scripts/lib/local/project-checks.ts";
import { realSystem } from "../../../scripts/lib/shell/real-system.ts";
import { EXAMPLE, Project } from "../../local-cloud/_project.ts";
import { settings } from "../_settings.ts";
import { fakeSystem } from "../_system.ts";
import { stackWith } from "./_stack.ts";

test("where nothing was made to ask a project with, a note says how to get it", async () => {
  const system = fakeSystem({ root: await stackWith({ "requirements.txt": "django\n" }) });

  expect(await projectNotes(system, settings())).toEqual([
    "Django's system checks were not run: `npm run local` installs what they need, or run `manage.py check --deploy` in the image.",
  ]);
});

test("what nothing can be made of is named, and stops nothing", async () => {
  const system = fakeSystem({ root: await stackWith({ Pipfile: "" }) });

  expect(await projectNotes(system, settings())).toEqual([
    expect.stringMatching(/^Django's system checks were not run: .*Pipfile/s),
  ]);
});

describe("with what `npm run local` has made", () => {
  const folder = mkdtempSync(join(tmpdir(), "checked-"));
  const project = new Project(`
    celeryApp: "shop.celery:app",
    env: { DJANGO_SETTINGS_MODULE: "checked", PYTHONPATH: ${JSON.stringify(folder)} },
    image: { context: ${JSON.stringify(EXAMPLE)} },
  `);
  const system = { ...realSystem(), root: project.dir };
  const change = (text: string) =>
    writeFileSync(join(folder, "checked.py"), `from shop.settings import *\n${text}\n`);

  beforeAll(async () => {
    change("CELERY_TASK_ALWAYS_EAGER = True");
    const once = await project.run("--once", "true");
    expect(await once.end, once.stderr).toBe(0);
  });
  afterAll(() => project.close());

  test("each finding is a note", async () => {
    expect(await projectNotes(system, settings())).toEqual([
      expect.stringMatching(/^push_worker\.W010 {2}task_always_eager is on: /),
    ]);
  });

  test("a route to a queue that the stack lacks is a note with the line that adds it", async () => {
    change('CELERY_TASK_ROUTES = {"jobs.tasks.remind": "mail"}');

    expect(await projectNotes(system, settings())).toEqual([
      "push_worker.W008  Queue 'mail' is used by task 'jobs.tasks.remind', and the stack has no queue of that name. Add it to config.ts (queues: { mail: {} }), or use 'default'.",
    ]);
  });

  test("a project that does not load is a note", async () => {
    change("raise RuntimeError");

    expect(await projectNotes(system, settings())).toEqual([
      "Django's system checks were not run: the project did not load on this machine. `npm run local` shows why.",
    ]);
  });
});
