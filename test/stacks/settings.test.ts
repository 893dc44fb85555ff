import { describe, expect, test } from "vitest";
import { namePrefix, resolveSettings, stackId } from "../../stacks/settings.ts";

const MINIMAL = { project: "shop", celeryApp: "shop.celery:app" };

describe("resolveSettings", () => {
  test("fills in every default", () => {
    expect(resolveSettings(MINIMAL)).toEqual({
      project: "shop",
      stage: undefined,
      folderId: undefined,
      backend: { type: "local" },
      queueKey: "stack",
      trigger: "yc",
      batch: { size: 1, cutoffSeconds: 1 },
      image: {
        context: "examples/django-celery",
        dockerfile: "Dockerfile",
        requirements: "requirements.txt",
      },
      keepImages: 10,
      celeryApp: "shop.celery:app",
      workerPath: undefined,
      web: {
        memoryMib: 512,
        cores: 1,
        coreFraction: 100,
        concurrency: 4,
        timeoutSeconds: 60,
        minInstances: 0,
        command: ["gunicorn", "shop.wsgi:application"],
      },
      worker: {
        memoryMib: 512,
        cores: 1,
        coreFraction: 100,
        concurrency: 1,
        timeoutSeconds: 600,
        minInstances: 0,
        command: ["gunicorn", "celery_push_worker.wsgi:application"],
      },
      env: {},
      secrets: {},
      results: { table: "celery", ttlSeconds: 86_400 },
      database: { storageLimitGb: 1, deletionProtection: false },
      logRetentionDays: 3,
      networkId: undefined,
      domain: undefined,
      openapi: undefined,
      staticBucket: undefined,
      schedule: undefined,
      roles: { queueReader: "ymq.reader", documentApi: "ydb.editor" },
      quotas: { containers: 10 },
    });
  });

  test("lets a stage override field by field and leaves the rest alone", () => {
    const config = {
      ...MINIMAL,
      env: { A: "1", B: "2" },
      web: { memoryMib: 1024, command: ["a", "b"] },
      stages: { staging: { env: { B: "3" }, web: { command: ["c"] } } },
    };

    const settings = resolveSettings(config, "staging");

    expect(settings.stage).toBe("staging");
    expect(settings.env).toEqual({ A: "1", B: "3" });
    expect(settings.web).toMatchObject({ memoryMib: 1024, command: ["c"] });
    expect(resolveSettings(config).env).toEqual({ A: "1", B: "2" });
  });

  test("counts a field written as undefined as left out", () => {
    const config = { ...MINIMAL, keepImages: undefined, web: { memoryMib: undefined } };

    expect(resolveSettings(config).keepImages).toBe(10);
    expect(resolveSettings(config).web.memoryMib).toBe(512);
  });

  test("protects the database of the production stage unless told otherwise", () => {
    const open = { database: { deletionProtection: false } };

    expect(
      resolveSettings({ ...MINIMAL, stages: { production: {} } }, "production").database,
    ).toEqual({ storageLimitGb: 1, deletionProtection: true });
    expect(
      resolveSettings({ ...MINIMAL, stages: { production: open } }, "production").database,
    ).toEqual({ storageLimitGb: 1, deletionProtection: false });
  });

  test("completes a bucket's address", () => {
    expect(
      resolveSettings({ ...MINIMAL, backend: { type: "s3", bucket: "states" } }).backend,
    ).toEqual({
      type: "s3",
      bucket: "states",
      prefix: "shop",
      endpoint: "https://storage.yandexcloud.net",
      region: "ru-central1",
    });
  });

  test.each([
    [
      "a project that no cloud name may begin with",
      { ...MINIMAL, project: "Shop" },
      "  'project' is \"Shop\", must be 2 to 30 small letters, digits and hyphens, a letter first, no hyphen last.",
    ],
    [
      "a Celery application without its attribute",
      { ...MINIMAL, celeryApp: "shop.celery" },
      '  \'celeryApp\' is "shop.celery", must name a module and an attribute, e.g. "shop.celery:app".',
    ],
    ["a missing field", { project: "shop" }, "  'celeryApp' is missing. Add it."],
    [
      "an unknown field",
      { ...MINIMAL, memory: 1 },
      "  'memory' is not a setting. Remove it or fix its name.",
    ],
    [
      "a value of the wrong type, by its path",
      { ...MINIMAL, stages: { production: { web: { memoryMib: "512" } } } },
      "  'stages.production.web.memoryMib' is \"512\", allowed: number.",
    ],
    [
      "a choice that does not exist",
      { ...MINIMAL, trigger: "pulumi" },
      '  \'trigger\' is "pulumi", allowed: ("yc" | "terraform").',
    ],
    ["an empty text", { ...MINIMAL, folderId: "" }, "  'folderId' is \"\", must not be empty."],
  ])("refuses %s", (_, config, line) => {
    expect(() => resolveSettings(config)).toThrow(`config.ts has problems:\n${line}`);
  });

  test("tells all problems at once", () => {
    expect(() => resolveSettings({ project: 1, celeryApp: 2 })).toThrow(
      /'project' is 1[\s\S]*'celeryApp' is 2/,
    );
  });

  test("refuses a stage that is not in the file, so that a typo deploys nothing", () => {
    const config = { ...MINIMAL, stages: { production: {}, staging: {} } };

    expect(() => resolveSettings(config, "prodution")).toThrow(
      'Stage "prodution" is not in config.ts (known: production, staging). Add it to \'stages\', e.g. stages: { "prodution": {} }.',
    );
  });
});

describe("names", () => {
  test("carry the stage, if there is one", () => {
    expect(stackId("app", undefined)).toBe("app");
    expect(stackId("app", "production")).toBe("app-production");
    expect(namePrefix({ project: "shop", stage: undefined })).toBe("shop");
    expect(namePrefix({ project: "shop", stage: "production" })).toBe("shop-production");
  });
});
