import { TerraformOutput, type TerraformStack, TerraformVariable } from "cdktf";
import { describe, expect, test } from "vitest";
import { LogGroup } from "../../constructs/log-group.ts";
import { Secret } from "../../constructs/secret.ts";
import {
  ServerlessContainer,
  type ServerlessContainerProps,
} from "../../constructs/serverless-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { type Body, resources, type SynthesizedStack } from "../support/synth.ts";
import { addresses, grants, raw, refusalsOf, synthPlain } from "./_raw.ts";

const IMAGE = `cr.yandex/crp1/site@sha256:${"0".repeat(64)}`;
const FINGERPRINT = "${sha256(jsonencode(local.Web_revision))}";
const CAUSES =
  "Likely causes: the image is not in the registry (push it, then deploy its digest); the " +
  "container's account has no right to pull it or to read one of its secrets, or has had it for " +
  "only a few seconds; a version of a secret is destroyed or has no such entry; a quota is used " +
  "up. The provider's warning has the cloud's own words.";

describe("ServerlessContainer", () => {
  test("creates a private container with the defaults", () => {
    const stack = synthPlain(define);

    expect(resources(stack, "yandex_serverless_container")).toEqual([
      {
        name: "shop-web",
        memory: 512,
        cores: 1,
        core_fraction: 100,
        concurrency: 1,
        execution_timeout: "60s",
        service_account_id: "aje1",
        image: { url: IMAGE, environment: { REVISION_FINGERPRINT: FINGERPRINT } },
        runtime: { type: "http" },
        lifecycle: expect.anything(),
        provisioner: expect.anything(),
      },
    ]);
    expect(Object.keys(stack.resource ?? {})).toEqual(["yandex_serverless_container"]);
  });

  test("passes every option through", () => {
    const stack = synthPlain((scope) => {
      define(scope, {
        name: "other",
        memoryMib: 1024,
        cores: 2,
        coreFraction: 100,
        concurrency: 16,
        timeoutSeconds: 3600,
        command: ["gunicorn"],
        args: ["--threads", "4"],
        env: { DEBUG: "0" },
        secrets: { DSN: sentry(scope, "Sentry") },
        logGroup: LogGroup.fromId(scope, "Logs", { logGroupId: "e23", name: "logs" }),
        minInstances: 2,
        networkId: "enp1",
      });
    });

    expect(container(stack)).toEqual({
      name: "other",
      memory: 1024,
      cores: 2,
      core_fraction: 100,
      concurrency: 16,
      execution_timeout: "3600s",
      service_account_id: "aje1",
      image: {
        url: IMAGE,
        command: ["gunicorn"],
        args: ["--threads", "4"],
        environment: { DEBUG: "0", REVISION_FINGERPRINT: FINGERPRINT },
      },
      secrets: [{ id: "e6q1", version_id: "e6q2", key: "dsn", environment_variable: "DSN" }],
      runtime: { type: "http" },
      connectivity: { network_id: "enp1" },
      log_options: { log_group_id: "e23" },
      provision_policy: { min_instances: 2 },
      depends_on: addresses(stack, "yandex_lockbox_secret_iam_member"),
      lifecycle: expect.anything(),
      provisioner: expect.anything(),
    });
  });

  test("hashes everything that makes a revision into the fingerprint", () => {
    const stack = synthPlain((scope) => {
      define(scope, {
        command: ["gunicorn"],
        args: ["-b"],
        env: { DEBUG: "0" },
        secrets: { DSN: sentry(scope, "Sentry") },
        logGroup: LogGroup.fromId(scope, "Logs", { logGroupId: "e23", name: "logs" }),
        minInstances: 1,
        networkId: "enp1",
      });
    });

    expect(stack.locals).toEqual({
      Web_revision: {
        memory: 512,
        cores: 1,
        coreFraction: 100,
        concurrency: 1,
        executionTimeout: "60s",
        image: { url: IMAGE, command: ["gunicorn"], args: ["-b"] },
        environment: { DEBUG: "0" },
        secrets: [{ id: "e6q1", versionId: "e6q2", key: "dsn", environmentVariable: "DSN" }],
        account: "aje1",
        logGroup: "e23",
        minInstances: 1,
        network: "enp1",
      },
    });
  });

  test("fails an update whose revision did not start", () => {
    const stack = synthPlain(define);

    expect(container(stack).lifecycle).toEqual({
      postcondition: [
        {
          condition:
            "${(self.image.0.environment.REVISION_FINGERPRINT == sha256(jsonencode(local.Web_revision)))}",
          error_message: `The new revision of container shop-web did not start; the previous one still answers. ${CAUSES} Mend the cause and deploy again.`,
        },
      ],
    });
  });

  test("fails the creation of a container whose first revision did not start", () => {
    const stack = synthPlain(define);

    expect(container(stack).provisioner).toEqual([
      {
        "local-exec": {
          interpreter: ["sh", "-c"],
          command: '[ "$REVISION" != none ] || { echo "$MESSAGE" >&2; exit 1; }',
          environment: {
            REVISION: '${coalesce(self.revision_id, "none")}',
            MESSAGE: `The first revision of container shop-web did not start. ${CAUSES} Mend the cause and deploy again: the container is made anew, with a new id, so run \`npm run trigger\` after a bare \`cdktf deploy\`.`,
          },
        },
      },
    ]);
  });

  test("grows by environment and secrets after construction, and so does the fingerprint", () => {
    const stack = synthPlain((scope) => {
      const web = define(scope, { env: { A: "1", B: "2" } });
      web.addEnv("B", "3");
      web.addSecret("DSN", sentry(scope, "Sentry"));
    });

    const secret = { id: "e6q1", key: "dsn" };
    expect(container(stack)).toMatchObject({
      image: { environment: { A: "1", B: "3", REVISION_FINGERPRINT: FINGERPRINT } },
      secrets: [{ ...secret, version_id: "e6q2", environment_variable: "DSN" }],
    });
    expect(stack.locals?.Web_revision).toMatchObject({
      environment: { A: "1", B: "3" },
      secrets: [{ ...secret, versionId: "e6q2", environmentVariable: "DSN" }],
    });
  });

  test("orders secrets by variable, whatever the order of definition", () => {
    const stack = synthPlain((scope) => {
      const secret = sentry(scope, "Sentry");
      define(scope, { secrets: { B: secret, A: secret } }).addSecret("AA", secret);
    });

    expect(container(stack).secrets).toMatchObject([
      { environment_variable: "A" },
      { environment_variable: "AA" },
      { environment_variable: "B" },
    ]);
  });

  test("waits for every grant of its account, given before or after", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      account.grantOnFolder("container-registry.images.puller");
      define(scope, { account }).addSecret("DSN", sentry(scope, "Sentry"));
      account.grantOnFolder("ydb.editor");
    });

    expect(container(stack).depends_on).toEqual([
      "yandex_resourcemanager_folder_iam_member.Account_Foldercontainer-registryimagespuller",
      "yandex_lockbox_secret_iam_member.Sentry_ReaderAccount",
      "yandex_resourcemanager_folder_iam_member.Account_Folderydbeditor",
    ]);
  });

  test("has outputs that refer to the resource", () => {
    const stack = synthPlain((scope) => {
      const web = define(scope);
      const { id, url, fingerprint, name, image, timeoutSeconds, minInstances } = web;
      new TerraformOutput(scope, "web", {
        value: { id, url, fingerprint, name, image, timeoutSeconds, minInstances },
      });
    });

    expect(stack.output?.web?.value).toEqual({
      id: "${yandex_serverless_container.Web.id}",
      url: "${yandex_serverless_container.Web.url}",
      fingerprint: FINGERPRINT,
      name: "shop-web",
      image: IMAGE,
      timeoutSeconds: 60,
      minInstances: 0,
    });
  });

  const name = "3 to 63 lower-case letters, digits and hyphens, a letter first, no hyphen last";
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
        `'env.${key}' is "${key}", allowed: any name but PORT, REQUEST_PATH, REVISION_FINGERPRINT. Take it out: it is set for the container.`,
      ],
    ),
  ])("refuses %s", (_, props, message) => {
    expect(refusalsOf((scope) => define(scope, props))).toEqual([`[app/Web] ${message}`]);
  });

  test("refuses three instances that are kept ready", () => {
    expect(refusalsOf((scope) => define(scope, { minInstances: 3 }))).toEqual([
      `[app/Web] 'minInstances' is 3, allowed: ${instances}.`,
      "[app/Web] 'minInstances' is 3, allowed: at most 2 for all containers of one cloud together. Keep fewer instances ready.",
    ]);
  });

  test("refuses a secret under a name that a variable cannot have or that is taken", () => {
    const messages = refusalsOf((scope) => {
      const secret = sentry(scope, "Sentry");
      define(scope, { env: { DSN: "1" }, secrets: { "1ST": secret, PORT: secret, DSN: secret } });
    });

    expect(messages).toEqual([
      "[app/Web] 'secrets.1ST' is \"1ST\", allowed: letters, digits and underscores, a letter first. Rename the variable.",
      "[app/Web] 'secrets.PORT' is \"PORT\", allowed: any name but PORT, REQUEST_PATH, REVISION_FINGERPRINT. Take it out: it is set for the container.",
      "[app/Web] 'secrets.DSN' is \"DSN\", allowed: a name that env does not have. Take it out of env.",
    ]);
  });

  test("refuses an environment over 4096 bytes, the names of secrets and the fingerprint included", () => {
    const fits = 4096 - "REVISION_FINGERPRINT".length - 64 - "TEXT".length - "DSN".length;
    const messages = (length: number) =>
      refusalsOf((scope) => {
        const secrets = { DSN: sentry(scope, "Sentry") };
        define(scope, { env: { TEXT: "t".repeat(length - 2) }, secrets }).addEnv(
          "TEXT",
          `é${"t".repeat(length - 2)}`,
        );
      });

    expect(messages(fits)).toEqual([]);
    expect(messages(fits + 1)).toEqual([
      "[app/Web] 'env' is 4097, allowed: at most 4096 bytes of names and values, the secrets' included. Shorten values, or put them into the image.",
    ]);
  });

  test("refuses a value of over 4096 characters", () => {
    expect(refusalsOf((scope) => define(scope, { env: { TEXT: "t".repeat(4097) } }))).toEqual([
      "[app/Web] 'env.TEXT.length' is 4097, allowed: at most 4096 characters. Put the value into the image or into a bucket.",
      "[app/Web] 'env' is 4185, allowed: at most 4096 bytes of names and values, the secrets' included. Shorten values, or put them into the image.",
    ]);
  });

  test("counts what is known around an unknown value, and takes unknown images as they are", () => {
    const messages = (length: number) =>
      refusalsOf((scope) => {
        const unknown = new TerraformVariable(scope, "image", {}).stringValue;
        define(scope, { image: unknown, env: { T: `${unknown}${"t".repeat(length)}${unknown}` } });
      });

    expect(messages(4096 - "REVISION_FINGERPRINT".length - 64 - "T".length)).toEqual([]);
    expect(messages(4096)).toEqual([
      "[app/Web] 'env' is 4181, allowed: at most 4096 bytes of names and values, the secrets' included. Shorten values, or put them into the image.",
    ]);
  });

  test("refuses the eleventh container of an app, wherever it is", () => {
    const messages = refusalsOf((scope) => {
      for (let i = 0; i < 12; i++) define(scope, {}, `C${i}`);
    });

    expect(messages).toEqual([
      "[app/C10] 'containers' is 12, allowed: at most 10 in one cloud. Take containers out, or state a raised quota with ServerlessContainer.limit.",
    ]);
  });

  test("knows a quota that was raised", () => {
    const messages = refusalsOf((scope) => {
      ServerlessContainer.limit(scope, 12);
      for (let i = 0; i < 13; i++) define(scope, {}, `C${i}`);
    });

    expect(messages).toEqual([
      "[app/C12] 'containers' is 13, allowed: at most 12 in one cloud. Take containers out, or state a raised quota with ServerlessContainer.limit.",
    ]);
  });

  test("refuses a third instance that is kept ready, over all containers", () => {
    const messages = refusalsOf((scope) => {
      define(scope, { minInstances: 2 }, "Web");
      define(scope, { minInstances: 1 }, "Worker");
      define(scope, {}, "Other");
    });

    expect(messages).toEqual([
      "[app/Worker] 'minInstances' is 3, allowed: at most 2 for all containers of one cloud together. Keep fewer instances ready.",
    ]);
  });

  test("grants invocation in the folder of the one who invokes", () => {
    const stack = synthPlain((scope) => {
      const caller = ServiceAccount.fromId(scope, "Caller", {
        accountId: "aje2",
        folderId: "b1g2",
      });
      define(scope).grantInvoke(caller);
    });

    expect(grants(stack)).toEqual([
      {
        folder_id: "b1g2",
        role: "serverless-containers.containerInvoker",
        member: "serviceAccount:aje2",
        sleep_after: 20,
      },
    ]);
  });

  test("grants reading of its secrets to its account", () => {
    const stack = synthPlain((scope) => {
      define(scope, { secrets: { DSN: sentry(scope, "Sentry") } });
    });

    expect(resources(stack, "yandex_lockbox_secret_iam_member")).toEqual([
      {
        secret_id: "e6q1",
        role: "lockbox.payloadViewer",
        member: "serviceAccount:aje1",
        sleep_after: 20,
      },
    ]);
  });

  test("grants invocation to all only when it is public", () => {
    const stack = synthPlain((scope) => {
      define(scope, { public: true });
      define(scope, { public: false }, "Worker");
    });

    expect(resources(stack, "yandex_serverless_container_iam_binding")).toEqual([
      {
        container_id: "${yandex_serverless_container.Web.id}",
        role: "serverless-containers.containerInvoker",
        members: ["system:allUsers"],
      },
    ]);
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) => {
      const web = define(scope);
      raw(web).addOverride("description", "The site");
      web.addEnv("LATER", "1");
    });

    expect(container(stack)).toMatchObject({
      description: "The site",
      image: { environment: { LATER: "1" } },
    });
  });
});

function define(
  scope: TerraformStack,
  props: Partial<ServerlessContainerProps> = {},
  id = "Web",
): ServerlessContainer {
  const account = props.account ?? defineAccount(scope);
  return new ServerlessContainer(scope, id, { name: "shop-web", image: IMAGE, ...props, account });
}

function defineAccount(scope: TerraformStack): ServiceAccount {
  const existing = { accountId: "aje1", folderId: "b1g1" };
  const found = scope.node.tryFindChild("Account") as ServiceAccount | undefined;
  return found ?? ServiceAccount.fromId(scope, "Account", existing);
}

function sentry(scope: TerraformStack, id: string) {
  return Secret.fromLockbox(scope, id, { secretId: "e6q1", versionId: "e6q2" }).value("dsn");
}

function container(stack: SynthesizedStack): Body {
  const [first] = resources(stack, "yandex_serverless_container");
  if (!first) throw new Error("no container in the stack");
  return first;
}
