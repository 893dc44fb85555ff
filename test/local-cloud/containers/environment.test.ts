import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  containerVariables,
  processEnvironment,
  secretValues,
} from "../../../packages/local-cloud/containers/_environment.ts";

const WORKER = [
  "gunicorn",
  "-c",
  "python:celery_push_worker.gunicorn",
  "celery_push_worker.wsgi:application",
];

describe("containerVariables", () => {
  const variables = (command: readonly string[], concurrency: number, environment = {}) =>
    containerVariables({ command, concurrency, environment }, {}, 81, "127.0.0.1");

  test.each([
    [
      "a site gets threads",
      ["gunicorn", "shop.wsgi"],
      4,
      { GUNICORN_CMD_ARGS: "--bind=127.0.0.1:81 --threads=4" },
    ],
    [
      "one request at a time needs none",
      ["/bin/gunicorn", "shop.wsgi"],
      1,
      { GUNICORN_CMD_ARGS: "--bind=127.0.0.1:81" },
    ],
    [
      "the worker gets processes",
      WORKER,
      3,
      { GUNICORN_CMD_ARGS: "--bind=127.0.0.1:81", WEB_CONCURRENCY: "3" },
    ],
    ["other servers read PORT alone", ["daphne", "shop.asgi"], 4, {}],
  ])("%s", (_, command, concurrency, expected) => {
    expect(variables(command, concurrency)).toEqual({ ...expected, PORT: "81" });
  });

  test("lets the stack's own values win, but not over PORT", () => {
    expect(variables(WORKER, 3, { WEB_CONCURRENCY: "1", PORT: "1" })).toMatchObject({
      WEB_CONCURRENCY: "1",
      PORT: "81",
    });
  });
});

describe("processEnvironment", () => {
  test("takes over what no image would lack, and nothing else", () => {
    const own = { PATH: "/usr/bin", HOME: "/home/ann", AWS_PROFILE: "work", TMPDIR: "/tmp/ann" };
    const spec = { command: ["daphne"], concurrency: 1, environment: { A: "1" } };

    expect(processEnvironment(spec, { KEY: "x" }, { port: 81, python: "/venv" }, own)).toEqual({
      PATH: "/venv/bin:/usr/bin",
      VIRTUAL_ENV: "/venv",
      HOME: "/home/ann",
      TMPDIR: "/tmp/ann",
      LANG: "C.UTF-8",
      TZ: "UTC",
      PYTHONUNBUFFERED: "1",
      A: "1",
      KEY: "x",
      PORT: "81",
    });
  });
});

describe("secretValues", () => {
  const file = () => join(mkdtempSync(join(tmpdir(), "secrets-")), "cache", "secrets.json");
  const spec = {
    secrets: ["AWS_ACCESS_KEY_ID", "SQS_SECRET_ACCESS_KEY", "DJANGO_SECRET_KEY", "SENTRY_DSN"],
    foreignSecrets: ["SENTRY_DSN"],
  };

  test("gives the local key, makes up the rest, and leaves empty what nobody can make up", () => {
    expect(secretValues(spec, {}, file())).toEqual({
      AWS_ACCESS_KEY_ID: "local",
      SQS_SECRET_ACCESS_KEY: "local",
      DJANGO_SECRET_KEY: expect.stringMatching(/^[0-9a-f]{50}$/),
      SENTRY_DSN: "",
    });
  });

  test("takes given values", () => {
    const given = { SENTRY_DSN: "https://x", DJANGO_SECRET_KEY: "mine", OTHER: "no" };

    expect(secretValues(spec, given, file())).toMatchObject({
      DJANGO_SECRET_KEY: "mine",
      SENTRY_DSN: "https://x",
    });
  });

  test("makes up the same again, for nobody else to read", () => {
    const kept = file();
    const first = secretValues(spec, {}, kept);

    expect(secretValues(spec, {}, kept)).toEqual(first);
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    expect(Object.keys(JSON.parse(readFileSync(kept, "utf8")))).toEqual(["DJANGO_SECRET_KEY"]);
  });
});
