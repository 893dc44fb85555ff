import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  containerVariables,
  environmentProblem,
  processEnvironment,
  secretValues,
} from "../../../packages/local-cloud/containers/_environment.ts";

describe("containerVariables", () => {
  test("adds where to listen and who may call; PORT is the platform's", () => {
    const environment = { A: "1", PORT: "1", LISTEN_HOST: "0.0.0.0" };

    expect(containerVariables({ environment }, { KEY: "x" }, 81, "127.0.0.1")).toEqual({
      A: "1",
      KEY: "x",
      PORT: "81",
      LISTEN_HOST: "127.0.0.1",
      LOCAL_CLOUD_TOKEN: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });
});

describe("processEnvironment", () => {
  test("takes over what no image would lack, and nothing else", () => {
    const own = { PATH: "/usr/bin", HOME: "/home/ann", AWS_PROFILE: "work", TMPDIR: "/tmp/ann" };
    const place = { port: 81, python: "/venv", layer: "/layer" };

    expect(processEnvironment({ environment: { A: "1" } }, { KEY: "x" }, place, own)).toEqual({
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
      LISTEN_HOST: "127.0.0.1",
      LOCAL_CLOUD_TOKEN: expect.any(String),
      PYTHONPATH: "/layer/own",
    });
  });

  test("has the worker package where the image has it, before what the user adds", () => {
    const environment = { PYTHONPATH: "/opt/celery-push/own:src" };
    const place = { port: 81, python: "/venv", layer: "/layer" };

    expect(processEnvironment({ environment }, {}, place, {}).PYTHONPATH).toBe("/layer/own:src");
    const given = { PYTHONPATH: "lib" };
    expect(processEnvironment({ environment }, given, place, {}).PYTHONPATH).toBe("/layer/own:lib");
  });
});

describe("environmentProblem", () => {
  test("counts what the cloud's containers have, and nothing of .env.local besides", () => {
    const spec = { name: "web", environment: { A: "x".repeat(4000) }, secrets: ["KEY"] };

    expect(environmentProblem(spec, { KEY: "secret", NOTES: "y".repeat(4000) })).toBeUndefined();
    expect(environmentProblem(spec, { KEY: "z".repeat(99) })).toContain("4103 bytes");
  });
});

describe("secretValues", () => {
  test("brings along whatever is given besides, in place of the stack's", () => {
    const given = { DEBUG: "true", DATABASE_URL: "sqlite:///here" };
    const values = secretValues(spec, given, file());
    const environment = { DEBUG: "false" };

    expect(values).toMatchObject(given);
    expect(containerVariables({ environment }, values, 81, "127.0.0.1")).toMatchObject(given);
  });

  const file = () => join(mkdtempSync(join(tmpdir(), "secrets-")), "cache", "secrets.json");
  const spec = {
    secrets: ["AWS_ACCESS_KEY_ID", "SQS_SECRET_ACCESS_KEY", "DJANGO_SECRET_KEY", "SENTRY_DSN"],
    foreignSecrets: ["SENTRY_DSN"],
  };

  test("gives the local key, makes up the rest, and leaves empty what nobody can make up", () => {
    expect(secretValues(spec, {}, file())).toEqual({
      AWS_ACCESS_KEY_ID: "local-runtime",
      SQS_SECRET_ACCESS_KEY: "local-runtime",
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
