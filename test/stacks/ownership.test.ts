import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IamServiceAccount } from "@cdktf/provider-yandex/lib/iam-service-account";
import { IamServiceAccountStaticAccessKey } from "@cdktf/provider-yandex/lib/iam-service-account-static-access-key";
import { MessageQueue } from "@cdktf/provider-yandex/lib/message-queue";
import { YandexProvider } from "@cdktf/provider-yandex/lib/provider";
import { App, TerraformStack } from "cdktf";
import { expect, test } from "vitest";
import { resolve } from "../../scripts/lib/terraform/existing-resources.ts";
import { labelResources } from "../../stacks/labels.ts";
import { stateIdOf } from "../../stacks/ownership.ts";
import {
  apply,
  describeTerraform,
  newCloud,
  newStack,
  plan,
  writeStack,
} from "../cloud/terraform.ts";
import { settings } from "../scripts/_settings.ts";

const LABELS = { "managed-by": "shop", stage: "default", state: "${var.state_id}" };

test("everything that can have labels gets those of the stage, beside the user's own", () => {
  const { resource } = labelled((stack) => {
    new IamServiceAccount(stack, "plain", { name: "a" });
    new IamServiceAccount(stack, "own", { name: "b", labels: { team: "x", stage: "mine" } });
    new MessageQueue(stack, "queue", { name: "q" });
  });

  expect(resource.yandex_iam_service_account.plain.labels).toEqual(LABELS);
  expect(resource.yandex_iam_service_account.own.labels).toEqual({
    ...LABELS,
    team: "x",
    stage: "mine",
  });
  expect(resource.yandex_message_queue.queue).not.toHaveProperty("labels");
});

test("a key says who has made it, unless the user says something else, and is not recreated for it", () => {
  const { resource } = labelled((stack) => {
    const key = { serviceAccountId: "aje" };
    const lifecycle = { createBeforeDestroy: true, ignoreChanges: ["output_to_lockbox"] };
    new IamServiceAccountStaticAccessKey(stack, "plain", { ...key, lifecycle });
    new IamServiceAccountStaticAccessKey(stack, "own", { ...key, description: "mine" });
  });

  const keys = resource.yandex_iam_service_account_static_access_key;
  expect(keys.plain).toMatchObject({
    description:
      "Made by a deploy with state ${var.state_id}, which removes it when nothing uses it",
    lifecycle: {
      create_before_destroy: true,
      ignore_changes: ["output_to_lockbox", "description"],
    },
  });
  expect(keys.own.description).toBe("mine");
});

test("a state in a bucket is the same for everyone, a local one nobody's before the first synth", () => {
  const s3 = (prefix: string) => settings({ backend: { type: "s3", bucket: "states", prefix } });

  expect(stateIdOf(s3("shop"))).toMatch(/^[0-9a-f]{12}$/);
  expect(stateIdOf(s3("shop"))).toBe(stateIdOf(s3("shop")));
  expect(stateIdOf(s3("shop"))).not.toBe(stateIdOf(s3("other")));
  expect(stateIdOf(settings(), mkdtempSync(join(tmpdir(), "state-")))).toBe("");
});

test("a reference is filled in from what is known, and leaves a text unknown otherwise", () => {
  const known = new Map([["a.b", { id: "crp1", challenges: [{ dns_name: "x." }] }]]);

  expect(resolve("${a.b.id}/app", known)).toBe("crp1/app");
  expect(resolve("${a.b.challenges[0].dns_name}", known)).toBe("x.");
  expect(resolve("${a.b.challenges[1].dns_name}", known)).toBeUndefined();
  expect(resolve("${c.d.id}", known)).toBeUndefined();
  expect(resolve(undefined, known)).toBeUndefined();
});

describeTerraform("labels on what exists", () => {
  test("are an update in place, and a description makes no new key", async () => {
    const cloud = newCloud();
    const dir = newStack({ "main.tf.json": existing({}) });
    const before = await apply(dir, cloud);

    const labels = { labels: { state: "x" } };
    const lifecycle = { ignore_changes: ["description"] };
    writeStack(dir, { "main.tf.json": existing(labels, { description: "by us", lifecycle }) });
    const change = await apply(dir, cloud);
    const after = await plan(dir, cloud);

    expect(before.code, before.output).toBe(0);
    expect(change.output).toContain("Resources: 0 added, 5 changed, 0 destroyed");
    expect(after.code, after.output).toBe(0);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: synthesized JSON
function labelled(define: (stack: TerraformStack) => void): any {
  const app = new App({ outdir: mkdtempSync(join(tmpdir(), "out-")) });
  const stack = new TerraformStack(app, "app");
  new YandexProvider(stack, "yandex", {});
  define(stack);
  labelResources(stack, settings());
  stack.prepareStack();
  app.synth();
  return stack.toTerraform();
}

function existing(labels: object, key: object = {}) {
  return {
    terraform: { required_providers: { yandex: { source: "yandex-cloud/yandex" } } },
    provider: { yandex: {} },
    resource: {
      yandex_iam_service_account: { a: { name: "a", ...labels } },
      yandex_container_registry: { a: { name: "aaa", ...labels } },
      yandex_logging_group: { a: { name: "aaa", ...labels } },
      yandex_lockbox_secret: { a: { name: "a", ...labels } },
      yandex_ydb_database_serverless: { a: { name: "aaa", ...labels } },
      yandex_iam_service_account_static_access_key: {
        a: { service_account_id: "${yandex_iam_service_account.a.id}", ...key },
      },
    },
  };
}
