import { describe, expect, test } from "vitest";
import { namePrefix, resolveSettings, stackId, stackKinds } from "../../stacks/settings.ts";

const MINIMAL = { project: "shop", celeryApp: "shop.celery:app" };

describe("resolveSettings", () => {
  test("fills in the defaults that the commands need", () => {
    expect(resolveSettings(MINIMAL)).toEqual({
      project: "shop",
      celeryApp: "shop.celery:app",
      stage: undefined,
      backend: { type: "local" },
      queueKey: "stack",
      trigger: "yc",
      image: {
        context: "examples/django-celery",
        dockerfile: "Dockerfile",
      },
      results: { table: "celery" },
      database: { deletionProtection: false },
      domain: undefined,
      postgres: undefined,
      release: undefined,
      staticBucket: undefined,
      manage: undefined,
    });
  });

  test("migrates a PostgreSQL that it names after the project, in a container of commands", () => {
    const config = { project: "my-shop", celeryApp: "shop.celery:app", postgres: {} };

    expect(resolveSettings(config)).toMatchObject({
      postgres: { database: "my_shop", deletionProtection: false },
      release: ["migrate", "--noinput"],
      manage: {},
    });
    expect(
      resolveSettings({ ...config, stages: { production: {} } }, "production").postgres,
    ).toEqual({ database: "my_shop", deletionProtection: true });
  });

  test.each([
    [{ postgres: {}, release: false }, undefined, {}],
    [{ postgres: {}, release: "check --deploy" }, ["check", "--deploy"], {}],
    [{ release: "migrate" }, ["migrate"], {}],
    [{ manage: { memoryMib: 1024 } }, undefined, { memoryMib: 1024 }],
    [{ staticBucket: "shop-static" }, undefined, {}],
    [{ staticBucket: "shop-static", manage: { cores: 2 } }, undefined, { cores: 2 }],
    [{ staticBucket: false as const }, undefined, undefined],
    [{ postgres: false }, undefined, undefined],
  ])("with %j releases %j and has the container %j", (fields, release, manage) => {
    const settings = resolveSettings({ ...MINIMAL, ...fields });

    expect(settings.release).toEqual(release);
    expect(settings.manage).toEqual(manage);
  });

  test("takes a PostgreSQL away from a stage", () => {
    const config = {
      ...MINIMAL,
      postgres: {},
      network: { networkId: "enp1", subnetIds: ["e9b1"] },
      stages: { staging: { postgres: false } },
    };

    expect(resolveSettings(config, "staging").postgres).toBeUndefined();
    expect(stackKinds(resolveSettings(config, "staging"))).toEqual(["registry", "app"]);
    expect(stackKinds(resolveSettings(config))).toEqual(["registry", "data", "app"]);
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
    const config = { ...MINIMAL, keepNewest: undefined, web: { memoryMib: undefined } };

    expect(resolveSettings(config)).toEqual({ ...resolveSettings(MINIMAL), web: {} });
  });

  test("protects the database of the production stage unless told otherwise", () => {
    const open = { database: { deletionProtection: false } };

    expect(
      resolveSettings({ ...MINIMAL, stages: { production: {} } }, "production").database,
    ).toEqual({ deletionProtection: true });
    expect(
      resolveSettings({ ...MINIMAL, stages: { production: open } }, "production").database,
    ).toEqual({ deletionProtection: false });
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
      "  'project' is \"Shop\", must be 2 to 30 lowercase letters, digits and hyphens, a letter first, no hyphen last.",
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
    [
      "another name for what the stack does not set",
      { ...MINIMAL, aliases: { SECRET: "SECRET_KEY" } },
      "  'aliases.SECRET' is \"SECRET_KEY\", must be a variable that the stack sets: ALLOWED_HOSTS",
    ],
    ["an empty text", { ...MINIMAL, openapi: "" }, "  'openapi' is \"\", must not be empty."],
    [
      "a number that is none",
      { ...MINIMAL, keepNewest: Number.NaN },
      "  'keepNewest' is NaN, allowed: number.",
    ],
    [
      "an id of another shape",
      { ...MINIMAL, folderId: "MY FOLDER" },
      '  \'folderId\' is "MY FOLDER", must be an id: lowercase letters and digits, e.g. "b1g0123456789abcdefg".',
    ],
    [
      "a role of another shape",
      { ...MINIMAL, roles: { queueReader: "no role" } },
      '  \'roles.queueReader\' is "no role", must be a role, e.g. "ymq.reader".',
    ],
    [
      "a table that would end the address of the results",
      { ...MINIMAL, results: { table: "a?b" } },
      "  'results.table' is \"a?b\", must be 3 to 255 letters, digits, dots, hyphens and underscores.",
    ],
    [
      "results that are gone before they are read",
      { ...MINIMAL, results: { ttlSeconds: -5 } },
      "  'results.ttlSeconds' is -5, must be at least 60 seconds.",
    ],
    [
      "half a second",
      { ...MINIMAL, results: { ttlSeconds: 60.5 } },
      "  'results.ttlSeconds' is 60.5, must be whole seconds.",
    ],
    [
      "a bucket that no storage has",
      { ...MINIMAL, backend: { type: "s3", bucket: "Bad Bucket" } },
      "  'backend.bucket' is \"Bad Bucket\", must be 3 to 63 lowercase letters, digits, hyphens and dots.",
    ],
    [
      "an endpoint that is no URL",
      { ...MINIMAL, backend: { type: "s3", bucket: "states", endpoint: "nowhere" } },
      '  \'backend.endpoint\' is "nowhere", must be a URL, e.g. "https://storage.yandexcloud.net".',
    ],
    [
      "half a domain",
      { ...MINIMAL, domain: { fqdn: "shop.example.com", dns: { zoneId: "dns1" } } },
      '  \'domain\' is {"fqdn":"shop.example.com","dns":{"zoneId":"dns1"}}, must be { fqdn, dns } with dns "external" or { zoneId, zone }, or false.',
    ],
    [
      "a PostgreSQL with a field that there is not",
      { ...MINIMAL, postgres: { disk: 10 } },
      "  'postgres' is {\"disk\":10}, must be {} or an object with version, hostClass, diskGb, poolingMode, caFile or deletionProtection, or false.",
    ],
    [
      "a network that nothing is in",
      { ...MINIMAL, network: { networkId: "enp1", subnetIds: ["e9b1"] } },
      "  'network' is for the database of 'postgres', which no stage has. Add postgres: {}, or write networkId to put the containers into a network.",
    ],
    [
      "a release that wants a shell",
      { ...MINIMAL, release: "migrate && collectstatic" },
      '  \'release\' is "migrate && collectstatic", must be a command of manage.py, words without quotes, e.g. "migrate --noinput".',
    ],
    [
      "a stage's name that no cloud name can have",
      { ...MINIMAL, stages: { Production: {} } },
      "  'stages.Production' is \"Production\", must be 1 to 16 lowercase letters, digits and hyphens, a letter first.",
    ],
    [
      "a stage that would share the state of the default stage",
      { ...MINIMAL, stages: { default: {} } },
      "  'stages.default' is \"default\", must be another name: this is the default stage.",
    ],
    [
      "a bucket with a name that no bucket can have",
      { ...MINIMAL, media: { bucket: "Uploads" } },
      "  'media.bucket' is \"Uploads\", must be 3 to 63 lowercase letters, digits, hyphens and dots.",
    ],
    [
      "a bucket that is a name alone",
      { ...MINIMAL, media: "uploads" },
      "  'media' is \"uploads\", must be true, false, or { bucket } with its name.",
    ],
    [
      "a bucket of two stages",
      { ...MINIMAL, media: { bucket: "uploads" }, stages: { production: {} } },
      "  'media.bucket' is \"uploads\" in two stages (the default stage, production). Move 'media' into the stage it belongs to, or set it to false in the other.",
    ],
    [
      "a bucket of static files with a name that no bucket can have",
      { ...MINIMAL, staticBucket: "Static" },
      "  'staticBucket' is \"Static\", must be 3 to 63 lowercase letters, digits, hyphens and dots.",
    ],
    [
      "a bucket of static files without a name",
      { ...MINIMAL, staticBucket: true },
      "  'staticBucket' is true, must be the name of a bucket, or false.",
    ],
    [
      "a bucket of static files of two stages, each of which would remove the other's",
      { ...MINIMAL, staticBucket: "assets", stages: { production: {} } },
      "  'staticBucket' is \"assets\" in two stages (the default stage, production). Move 'staticBucket' into the stage it belongs to, or set it to false in the other.",
    ],
    [
      "uploads that everybody could read",
      { ...MINIMAL, staticBucket: "assets", media: { bucket: "assets" } },
      "  'media.bucket' is \"assets\", and so is 'staticBucket', whose content everybody can read. Take another bucket for one of them.",
    ],
    [
      "a state that everybody could read, of whatever stage",
      {
        ...MINIMAL,
        backend: { type: "s3", bucket: "states" },
        stages: { production: { staticBucket: "states" } },
      },
      "  'backend.bucket' is \"states\", and so is 'staticBucket', whose content everybody can read. Take another bucket for one of them.",
    ],
    [
      "a domain of two stages",
      {
        ...MINIMAL,
        domain: { fqdn: "shop.example.com", dns: "external" },
        stages: { production: {} },
      },
      "  'domain.fqdn' is \"shop.example.com\" in two stages (the default stage, production). Move 'domain' into the stage it belongs to, or set it to false in the other.",
    ],
  ])("refuses %s", (_, config, line) => {
    expect(() => resolveSettings(config)).toThrow(`config.ts has problems:\n${line}`);
  });

  test("reports all problems at once", () => {
    expect(() => resolveSettings({ project: 1, celeryApp: 2 })).toThrow(
      /'project' is 1[\s\S]*'celeryApp' is 2/,
    );
  });

  test("takes a domain away from a stage", () => {
    const domain = { fqdn: "shop.example.com", dns: "external" };
    const config = { ...MINIMAL, domain, stages: { staging: { domain: false } } };

    expect(resolveSettings(config).domain).toEqual(domain);
    expect(resolveSettings(config, "staging").domain).toBeUndefined();
  });

  test.each(["constructor", "toString", "__proto__"])("knows no stage %s", (stage) => {
    expect(() => resolveSettings({ ...MINIMAL, stages: {} }, stage)).toThrow("is not in config.ts");
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
