import { mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runSystemChecks } from "../../../packages/local-cloud/containers/system-checks.ts";

const never = new AbortController().signal;

/** A Python whose worker package prints these lines, and what it was asked with. */
function project(lines: readonly string[], code = 0) {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), "findings-")));
  mkdirSync(join(cwd, "celery_push_worker"));
  const seen = join(cwd, "seen.json");
  const script = [
    "import json, os, sys",
    `json.dump([sys.argv[1:], dict(os.environ)], open(${JSON.stringify(seen)}, "w"))`,
    ...lines.map((line) => `print(${JSON.stringify(line)})`),
    `sys.exit(${code})`,
  ];
  writeFileSync(join(cwd, "celery_push_worker", "__main__.py"), script.join("\n"));
  return { cwd, seen };
}

const ENV = { PATH: process.env.PATH ?? "", DJANGO_DEBUG: "1", URL_SCHEME: "http", KEPT: "yes" };
const FOUND = { id: "push_worker.W001", text: "It is SQLite.", hint: "Take another." };
const LINE = JSON.stringify(FOUND).replaceAll('":"', '": "').replaceAll('","', '", "');

test("a project is asked with what it has in the cloud, and other lines are left alone", async () => {
  const { cwd, seen } = project(["loading…", LINE, "{}"]);
  const env = { ...ENV, ALLOWED_HOSTS: ".apigw.yandexcloud.net,localhost,127.0.0.1,[::1]" };
  const command = { cwd, env };

  const found = await runSystemChecks(command, ["shop-nightly", "shop-b"], never);

  const [args, asked] = JSON.parse(readFileSync(seen, "utf8"));
  expect(found).toEqual([FOUND]);
  expect(args).toEqual(["check", "--json"]);
  expect(asked).toMatchObject({
    ALLOWED_HOSTS: ".apigw.yandexcloud.net",
    KEPT: "yes",
    PUSH_WORKER_TIMERS: "shop-nightly,shop-b",
  });
  expect(Object.keys(asked)).not.toEqual(expect.arrayContaining(["DJANGO_DEBUG"]));
  expect(Object.keys(asked)).not.toEqual(expect.arrayContaining(["URL_SCHEME"]));
});

test("a project that cannot be loaded could not be asked", async () => {
  const { cwd } = project([LINE], 1);

  expect(await runSystemChecks({ cwd, env: ENV }, [], never)).toBeUndefined();
});
