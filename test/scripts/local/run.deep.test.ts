import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Project, SHOP } from "../../local-cloud/_project.ts";
import { ROOT } from "../../support/sources.ts";

function projectWith(fields: string): Project {
  const project = new Project(fields);
  onTestFinished(() => project.close());
  return project;
}

const CONFIG = `celeryApp: "tasks:app", image: { context: ${JSON.stringify(SHOP)} },`;

/** A project in a folder whose name asks for trouble; the same one, so that its Python is made once. */
function sourcesOf(files: Readonly<Record<string, string>>): string {
  // Where a link leads, as Python says it.
  const folder = join(realpathSync(join(ROOT, "node_modules")), ".cache", "Ann's own shop");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const PROJECT = {
  "requirements.txt": "celery==5.7.0\n",
  "shop/__init__.py": "",
  "shop/celery.py": "from celery import Celery\napp = Celery('shop')\n",
  "shop/wsgi.py":
    "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n",
};

test("a command is not run when a container did not start", async () => {
  const project = projectWith(`${CONFIG}
    web: { command: ["python", "-c", "print('no way'); raise SystemExit(3)"] },
  `);

  const { end, stdout, stderr } = await project.run("--once", "echo ran");

  expect(await end).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/CRASH shop-web {2}exited with code 3.*\n *\| no way\n/);
  expect(stderr).toContain("shop-web did not start, so the command was not run.");
});

test("a command is not run when the site fails at import, and why is said once, first", async () => {
  const context = sourcesOf({
    ...PROJECT,
    "shop/wsgi.py": `${PROJECT["shop/wsgi.py"]}\nraise RuntimeError("broken on purpose")\n`,
  });
  const project = projectWith(
    `celeryApp: "shop.celery:app", image: { context: ${JSON.stringify(context)} },`,
  );

  const { end, stdout, stderr } = await project.run("--once", "echo ran");

  expect([await end, stdout]).toEqual([1, ""]);
  const crashes = stderr.split("\n").filter((line) => line.includes("CRASH"));
  expect(crashes).toEqual([
    expect.stringContaining("CRASH shop-web  RuntimeError: broken on purpose  shop/wsgi.py:5  "),
  ]);
  expect(stderr).not.toContain("Traceback");
});

test("a celeryApp that does not resolve is said, and where it stands", async () => {
  const context = sourcesOf(PROJECT);
  const project = projectWith(
    `celeryApp: "shop.celery:nope", image: { context: ${JSON.stringify(context)} },`,
  );

  const { end, stderr } = await project.run("--once", "true");

  expect(await end).toBe(1);
  expect(stderr).toMatch(
    /CRASH shop-worker {2}ConfigurationError: There is no Celery app at 'shop\.celery:nope': module 'shop\.celery' has no attribute 'nope'\. Fix 'celeryApp' in config\.ts/,
  );
});

test("a command has the site's folder, Python and environment, and the local cloud", async () => {
  const code =
    "import celery, celery_push_worker, os, sys; print(celery.__version__, sys.prefix, os.getcwd(), len(os.environ['DJANGO_SECRET_KEY']))";
  const project = projectWith(CONFIG.replace("},", "}, web: { command: ['python', 'web.py'] },"));

  const { end, stdout } = await project.run("--once", `python -c "${code}" && curl -s $SITE_URL/`);

  expect(await end).toBe(0);
  expect(stdout).toMatch(/^5\.7\.0 .*\/venv-\w+-\w+ .*\/local-cloud\/shop 50\nhello\n$/);
});

test("images are refused that would hold secrets", async () => {
  const project = projectWith(`celeryApp: "tasks:app", image: { context: "." },`);

  const { end, stderr } = await project.run("--docker");

  expect(await end).toBe(1);
  expect(stderr).toContain("include .state, which holds the state with its keys, and .env.local");
});

test("run executes a command as the site's container would", async () => {
  const context = sourcesOf(PROJECT);
  const project = projectWith(
    `celeryApp: "shop.celery:app", env: { GREETING: "good day" }, image: { context: ${JSON.stringify(context)} },`,
  );
  const code =
    "import os, shop.celery, celery_push_worker; print(os.getcwd(), os.environ['GREETING'], len(os.environ['DJANGO_SECRET_KEY']), 'HISTFILE' in os.environ)";

  const { end, stdout, stderr } = await project.run("run", "python", "-c", code);

  expect([await end, stdout], stderr).toEqual([0, `${context} good day 50 False\n`]);
  expect(stderr).toContain("No local cloud runs in this folder");
  expect(await (await project.run("run", "exit 7")).end).toBe(7);
  expect(await (await project.run("run")).end).toBe(2);
});
