import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { EXAMPLE, Project } from "./_project.ts";

const CONFIG = `
  celeryApp: "shop.celery:app",
  env: { DJANGO_SETTINGS_MODULE: "shop.settings" },
  image: { context: ${JSON.stringify(EXAMPLE)} },
`;

const project = new Project(CONFIG);
afterAll(() => project.close());

test("npm run local runs the release's command first, and shows nothing of it", async () => {
  project.configure(`${CONFIG} release: "check",`);

  const { end, stdout, stderr } = await project.run("--once", "echo ran");

  expect([await end, stdout], stderr).toEqual([0, "ran\n"]);
  expect(stderr).not.toContain("System check identified");
});

test("what is in staticBucket is there too, before anything asks for it", async () => {
  project.configure(`${CONFIG} staticBucket: "shop-static",`);
  const ask = `python -c "import os, urllib.request as it; print(it.urlopen(os.environ['SITE_URL'] + '/static/jobs/page.css').status)"`;

  const { end, stdout, stderr } = await project.run("--once", ask);

  expect([await end, stdout], stderr).toEqual([0, "200\n"]);
});

test("one that fails is shown, and nothing is started", async () => {
  project.configure(`${CONFIG} release: "chek --deploy",`);

  const { end, stdout, stderr } = await project.run("--once", "echo ran");

  expect([await end, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("Unknown command: 'chek'. Did you mean check?");
  expect(stderr).toContain(
    "`manage.py chek --deploy` failed (exit code 1). The containers stay as they were. Fix it, or change 'release' in config.ts.",
  );
  expect(stderr).not.toContain("CRASH");
});

test("npm run local -- manage runs a command with the site's environment and exit code", async () => {
  project.configure(CONFIG);
  writeFileSync(join(project.dir, ".env.local"), "GREETING=hello\n");
  const code = "import os; print(os.environ['GREETING'], os.environ['DJANGO_SETTINGS_MODULE'])";

  const { end, stdout, stderr } = await project.run("manage", "shell", "-v", "0", "-c", code);

  expect([await end, stdout], stderr).toEqual([0, "hello shop.settings\n"]);
  expect(await (await project.run("manage", "chek")).end).toBe(1);
  expect((await project.run("manage")).stderr).toBe(
    "No command is given. Write e.g. `npm run local -- manage migrate`.\n",
  );
});
