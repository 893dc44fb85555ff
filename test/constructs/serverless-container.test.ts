import { LoggingGroup } from "@cdktf/provider-yandex/lib/logging-group";
import { TerraformOutput, TerraformVariable } from "cdktf";
import { describe, expect, test } from "vitest";
import { LogGroup } from "../../constructs/log-group.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import {
  type Body,
  grants,
  raw,
  resources,
  type SynthesizedStack,
  synthPlain,
} from "../support/synth.ts";
import { define, defineAccount, IMAGE, sentry } from "./_container.ts";

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
      depends_on: ["terraform_data.Rights"],
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
          error_message: `The new revision of container shop-web did not start; the previous one still answers. ${CAUSES} Fix the cause and deploy again.`,
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
            MESSAGE: `The first revision of container shop-web did not start. ${CAUSES} Fix the cause and deploy again: the container is recreated, with a new id, so run \`npm run trigger\` after a bare \`cdktf deploy\`.`,
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

  test("takes what looks like a template for text, and references for references", () => {
    const stack = synthPlain((scope) => {
      const unknown = new TerraformVariable(scope, "queue", {}).stringValue;
      const env = { A: "a${path.root}b", B: "100%{", C: `x${unknown}` };
      define(scope, { env, command: ["sh", "-c", "exec gunicorn --bind :${PORT}"], args: ["%{"] });
    });

    expect(container(stack).image).toMatchObject({
      environment: { A: "a$${path.root}b", B: "100%%{", C: "x${var.queue}" },
      command: ["sh", "-c", "exec gunicorn --bind :$${PORT}"],
      args: ["%%{"],
    });
  });

  test("waits for every grant of its account, given before or after", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      account.grantOnFolder("container-registry.images.puller");
      define(scope, { account }).addSecret("DSN", sentry(scope, "Sentry"));
      account.grantOnFolder("ydb.editor");
    });

    expect(container(stack).depends_on).toEqual(["terraform_data.Rights"]);
    expect(resources(stack, "terraform_data")[0]?.depends_on).toEqual([
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

  test("grants invocation of itself alone, to all by one binding, and waits after it", () => {
    const stack = synthPlain((scope) => {
      const caller = ServiceAccount.fromId(scope, "Caller", {
        accountId: "aje2",
        folderId: "b1g2",
      });
      const web = define(scope);
      web.grantInvoke(caller);
      web.grantInvoke(caller);
      web.grantInvoke(
        ServiceAccount.fromId(scope, "Another", { accountId: "aje1", folderId: "b1g2" }),
      );
      define(scope, {}, "Worker");
    });

    expect(grants(stack)).toEqual([]);
    expect(resources(stack, "yandex_serverless_container_iam_binding")).toEqual([
      {
        container_id: "${yandex_serverless_container.Web.id}",
        role: "serverless-containers.containerInvoker",
        members: ["serviceAccount:aje1", "serviceAccount:aje2"],
        sleep_after: 10,
        lifecycle: {
          ignore_changes: ["sleep_after"],
          replace_triggered_by: ["yandex_serverless_container.Web.id"],
        },
      },
    ]);
  });

  test("may be invoked by the account that it runs as, without coming after its own right", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      define(scope, { account }).grantInvoke(account);
    });

    expect(container(stack).depends_on).toBeUndefined();
  });

  test("has what calls it come after the right to do so", () => {
    const stack = synthPlain((scope) => {
      define(scope).invokersPrecede(new LoggingGroup(scope, "Caller", {}));
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { depends_on: ["yandex_serverless_container_iam_binding.Web_Invokers"] },
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
        lifecycle: { ignore_changes: ["sleep_after"] },
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

function container(stack: SynthesizedStack): Body {
  const [first] = resources(stack, "yandex_serverless_container");
  if (!first) throw new Error("no container in the stack");
  return first;
}
