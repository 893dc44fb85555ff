import { TerraformVariable } from "cdktf";
import { describe, expect, test } from "vitest";
import { raiseQuotas } from "../../constructs/_quotas.ts";
import type { ServerlessContainerProps } from "../../constructs/serverless-container-props.ts";
import { refusals } from "../support/synth.ts";
import { define, sentry } from "./_container.ts";

describe("the checks of a container", () => {
  const name = "3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last";
  const image = "cr.yandex/<registry id>/<repository>@sha256:<64 hex digits>";
  const digest = "Name the image by its digest, as `npm run image` prints it";
  const memory = "128 to 8192 MiB in steps of 128. Round it up to the next step";
  const cores = "1 to 4 whole processors. Use coreFraction for less than one";
  const fraction = "5 to 100 percent in steps of 5. Leave it out for 100";
  const concurrency = "1 to 16 requests for one instance. Leave it out for 1";
  const timeout = "1 to 3600 seconds. Split longer work into tasks of less than an hour";
  const instances = "0 to 2 instances. Leave it out for none";

  test.each<[string, Partial<ServerlessContainerProps>, string]>([
    ["a short name", { name: "ab" }, `'name' is "ab", allowed: ${name}. Rename the container.`],
    [
      "an image by tag",
      { image: "cr.yandex/crp1/site:latest" },
      `'image' is "cr.yandex/crp1/site:latest", allowed: ${image}. ${digest}.`,
    ],
    [
      "an image of another registry",
      { image: `ghcr.io/crp1/site@sha256:${"0".repeat(64)}` },
      `'image' is "ghcr.io/crp1/site@sha256:${"0".repeat(64)}", allowed: ${image}. ${digest}.`,
    ],
    [
      "an empty command",
      { command: [] },
      "'command' is [], allowed: at least the program. Leave it out for the image's own entry point.",
    ],
    ...["$PORT", "${PORT}", "--port=$PORT", "0.0.0.0:$PORT"].map(
      (word): [string, object, string] => [
        `a variable that no shell replaces, ${word}`,
        { command: ["uvicorn", "shop.asgi:application", word] },
        `'command' is "${word}", allowed: words without variables, since no shell replaces them. Start a shell: ["sh", "-c", "exec … $PORT"].`,
      ],
    ),
    ["no memory", { memoryMib: 0 }, `'memoryMib' is 0, allowed: ${memory}.`],
    ["9 GiB of memory", { memoryMib: 9216 }, `'memoryMib' is 9216, allowed: ${memory}.`],
    ["memory between steps", { memoryMib: 500 }, `'memoryMib' is 500, allowed: ${memory}.`],
    ["no core", { cores: 0 }, `'cores' is 0, allowed: ${cores}.`],
    ["five cores", { cores: 5 }, `'cores' is 5, allowed: ${cores}.`],
    ["half a core", { cores: 0.5 }, `'cores' is 0.5, allowed: ${cores}.`],
    ["no core fraction", { coreFraction: 0 }, `'coreFraction' is 0, allowed: ${fraction}.`],
    ["105 percent", { coreFraction: 105 }, `'coreFraction' is 105, allowed: ${fraction}.`],
    ["51 percent", { coreFraction: 51 }, `'coreFraction' is 51, allowed: ${fraction}.`],
    [
      "half of two cores",
      { cores: 2, coreFraction: 50 },
      "'coreFraction' is 50, allowed: 100 percent with 2 cores. Use one core, or leave coreFraction out.",
    ],
    ["no concurrency", { concurrency: 0 }, `'concurrency' is 0, allowed: ${concurrency}.`],
    ["17 requests at a time", { concurrency: 17 }, `'concurrency' is 17, allowed: ${concurrency}.`],
    [
      "commands beside each other in one instance",
      { runtime: "task", concurrency: 2 },
      "'concurrency' is 2, allowed: 1 where each request runs a command. Leave it out.",
    ],
    ["no time", { timeoutSeconds: 0 }, `'timeoutSeconds' is 0, allowed: ${timeout}.`],
    ["over an hour", { timeoutSeconds: 3601 }, `'timeoutSeconds' is 3601, allowed: ${timeout}.`],
    ["less than no instance", { minInstances: -1 }, `'minInstances' is -1, allowed: ${instances}.`],
    ["half an instance", { minInstances: 0.5 }, `'minInstances' is 0.5, allowed: ${instances}.`],
    [
      "a variable that starts with an underscore",
      { env: { _X: "1" } },
      "'env._X' is \"_X\", allowed: letters, digits and underscores, a letter first. Rename the variable.",
    ],
    ...["PORT", "REQUEST_PATH", "REVISION_FINGERPRINT"].map(
      (key): [string, Partial<ServerlessContainerProps>, string] => [
        `${key} in the environment`,
        { env: { [key]: "1" } },
        `'env.${key}' is "${key}", allowed: any name but PORT, REQUEST_PATH, REVISION_FINGERPRINT. Remove it: the platform sets it.`,
      ],
    ),
  ])("rejects %s", (_, props, message) => {
    expect(refusals((scope) => define(scope, props))).toEqual([`[app/Web] ${message}`]);
  });

  test("rejects three instances that are kept ready", () => {
    expect(refusals((scope) => define(scope, { minInstances: 3 }))).toEqual([
      `[app/Web] 'minInstances' is 3, allowed: ${instances}.`,
      "[app/Web] 'minInstances' is 3, allowed: at most 2 for all containers of one cloud together. Keep fewer instances ready.",
    ]);
  });

  test("rejects a secret under a name that a variable cannot have or that is taken", () => {
    const messages = refusals((scope) => {
      const secret = sentry(scope, "Sentry");
      define(scope, { env: { DSN: "1" }, secrets: { "1ST": secret, PORT: secret, DSN: secret } });
    });

    expect(messages).toEqual([
      "[app/Web] 'secrets.1ST' is \"1ST\", allowed: letters, digits and underscores, a letter first. Rename the variable.",
      "[app/Web] 'secrets.PORT' is \"PORT\", allowed: any name but PORT, REQUEST_PATH, REVISION_FINGERPRINT. Remove it: the platform sets it.",
      "[app/Web] 'secrets.DSN' is \"DSN\", allowed: a name that env does not have. Remove it from env.",
    ]);
  });

  test("rejects an environment over 4096 bytes, the names of secrets and the fingerprint included", () => {
    const fits = 4096 - "REVISION_FINGERPRINT".length - 64 - "TEXT".length - "DSN".length;
    const messages = (length: number) =>
      refusals((scope) => {
        const secrets = { DSN: sentry(scope, "Sentry") };
        define(scope, { env: { TEXT: "t".repeat(length - 2) }, secrets }).addEnv(
          "TEXT",
          `é${"t".repeat(length - 2)}`,
        );
      });

    expect(messages(fits)).toEqual([]);
    expect(messages(fits + 1)).toEqual([
      "[app/Web] 'env' is 4097, allowed: at most 4096 bytes of names and values, the secrets' included. Shorten values, or put them in the image.",
    ]);
  });

  test("rejects a value of over 4096 characters", () => {
    expect(refusals((scope) => define(scope, { env: { TEXT: "t".repeat(4097) } }))).toEqual([
      "[app/Web] 'env.TEXT.length' is 4097, allowed: at most 4096 characters. Put the value in the image or in a bucket.",
      "[app/Web] 'env' is 4185, allowed: at most 4096 bytes of names and values, the secrets' included. Shorten values, or put them in the image.",
    ]);
  });

  test("counts what is known around an unknown value, and takes unknown images as they are", () => {
    const messages = (length: number) =>
      refusals((scope) => {
        const unknown = new TerraformVariable(scope, "image", {}).stringValue;
        define(scope, { image: unknown, env: { T: `${unknown}${"t".repeat(length)}${unknown}` } });
      });

    expect(messages(4096 - "REVISION_FINGERPRINT".length - 64 - "T".length)).toEqual([]);
    expect(messages(4096)).toEqual([
      "[app/Web] 'env' is 4181, allowed: at most 4096 bytes of names and values, the secrets' included. Shorten values, or put them in the image.",
    ]);
  });

  test("rejects the eleventh container of an app, wherever it is", () => {
    const messages = refusals((scope) => {
      for (let i = 0; i < 12; i++) define(scope, {}, `C${i}`);
    });

    expect(messages).toEqual([
      "[app/C10] 'containers' is 12, allowed: at most 10 in one cloud. Remove containers, or state a raised quota: quotas.containers in config.ts.",
    ]);
  });

  test("knows a quota that was raised", () => {
    const messages = refusals((scope) => {
      raiseQuotas(scope, { containers: 12 });
      for (let i = 0; i < 13; i++) define(scope, {}, `C${i}`);
    });

    expect(messages).toEqual([
      "[app/C12] 'containers' is 13, allowed: at most 12 in one cloud. Remove containers, or state a raised quota: quotas.containers in config.ts.",
    ]);
  });

  test("rejects a third instance that is kept ready, over all containers", () => {
    const messages = refusals((scope) => {
      define(scope, { minInstances: 2 }, "Web");
      define(scope, { minInstances: 1 }, "Worker");
      define(scope, {}, "Other");
    });

    expect(messages).toEqual([
      "[app/Worker] 'minInstances' is 3, allowed: at most 2 for all containers of one cloud together. Keep fewer instances ready.",
    ]);
  });
});
