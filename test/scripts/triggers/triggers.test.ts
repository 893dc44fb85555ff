import { describe, expect, test } from "vitest";
import type { TriggerSpec } from "../../../constructs/trigger-spec.ts";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import type { Session } from "../../../scripts/lib/cloud/session.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { deleteTriggers, handOver, runTriggers } from "../../../scripts/lib/triggers/triggers.ts";
import { ownLabels } from "../../../stacks/ownership.ts";
import { settings } from "../_settings.ts";
import { ACCESS, fakeSystem, type Routes } from "../_system.ts";

const API = "https://serverless-triggers.api.cloud.yandex.net/triggers/v1/triggers";
const LIST = `GET ${API}?folderId=b1g&pageSize=1000`;

describe("runTriggers", () => {
  test("creates and changes nothing of what Terraform makes, nor deletes it", async () => {
    const specs = { tasks: spec("terraform") };
    // Whatever is asked of the cloud fails the test.
    const { system, session } = open({ [LIST]: { body: { triggers: [trigger("a1", "b1")] } } });

    for (const action of ["ensure", "delete"] as const) {
      expect(await runTriggers(session, { action, specs })).toEqual([
        "Terraform creates the triggers ('trigger' in config.ts); nothing to do here",
      ]);
    }
    expect(system.sent.filter(({ request }) => request !== LIST)).toEqual([]);
  });

  test("pauses what Terraform makes too", async () => {
    const specs = { tasks: spec("terraform") };
    const { system, session } = open({
      [LIST]: { body: { triggers: [trigger("a1", "bba")] } },
      [`POST ${API}/a1:pause`]: { body: { done: true } },
    });

    expect(await runTriggers(session, { action: "pause", specs })).toEqual(["pause tasks"]);
    expect(system.sent.map(({ request }) => request)).toContain(`POST ${API}/a1:pause`);
  });

  test("pauses what it recreates in the place of a paused one", async () => {
    const old = { ...trigger("a1", "old"), status: "PAUSED" };
    const { system, session } = open({
      [LIST]: [{ body: { triggers: [old] } }, { body: { triggers: [trigger("a2", "bba")] } }],
      [`DELETE ${API}/a1`]: { body: { done: true } },
      [`POST ${API}`]: { body: { done: true } },
      [`POST ${API}/a2:pause`]: { body: { done: true } },
    });

    const lines = await runTriggers(session, {
      action: "ensure",
      specs: { tasks: spec("yc") },
    });

    expect(lines).toEqual([
      "delete tasks (its container was replaced)",
      "create tasks (queue, paused as it was)",
    ]);
    expect(system.sent.at(-1)?.request).toBe(`POST ${API}/a2:pause`);
  });
});

describe("handOver", () => {
  test("deletes what the script made, and leaves Terraform's own", async () => {
    const { system, session } = open(
      {
        [LIST]: { body: { triggers: [trigger("a1", "bba"), trigger("a2", "bba")] } },
        [`DELETE ${API}/a1`]: { body: { done: true } },
      },
      { triggers: { value: { tasks: spec("yc") } } },
      ["a2"],
    );

    expect(await handOver(session)).toEqual(["delete tasks (Terraform creates it from now on)"]);
    expect(system.sent.map(({ request }) => request)).toEqual([LIST, `DELETE ${API}/a1`]);
  });

  test("does nothing before the first apply", async () => {
    const { system, session } = open({});

    expect(await handOver(session)).toEqual([]);
    expect(system.sent).toEqual([]);
  });
});

describe("deleteTriggers", () => {
  test("leaves Terraform's own to terraform", async () => {
    const { system, session } = open({}, { triggers: { value: { tasks: spec("terraform") } } });

    expect(await deleteTriggers(session)).toEqual([]);
    expect(system.sent).toEqual([]);
  });

  test("finds the script's own although no state knows of them", async () => {
    const { session } = open({
      [LIST]: { body: { triggers: [trigger("a1", "bba")] } },
      [`DELETE ${API}/a1`]: { body: { done: true } },
    });

    expect(await deleteTriggers(session)).toEqual(["delete tasks"]);
  });
});

function open(routes: Routes, outputs: object = {}, inState: readonly string[] = []) {
  const on = (args: string) => `terraform -chdir=cdktf.out/stacks/app ${args}`;
  const instances = inState.map((id) => ({ attributes: { id } }));
  const resources = [
    { mode: "managed", type: "yandex_function_trigger", name: "Trigger", instances },
  ];
  const system = fakeSystem({
    routes,
    commands: {
      [on("output -json -no-color")]: JSON.stringify(outputs),
      [on("state pull")]: JSON.stringify({ resources }),
    },
  });
  const session: Session = {
    system,
    settings: settings(),
    access: ACCESS,
    api: new CloudApi(system, ACCESS),
    folderId: "b1g",
    terraform: new Terraform(system, { stage: undefined, env: {} }),
  };
  return { system, session };
}

function spec(trigger: "yc" | "terraform"): TriggerSpec {
  return {
    kind: "queue",
    queueArn: "yrn:q",
    readerId: "ajereader",
    containerId: "bba",
    path: "/",
    invokerId: "ajeinvoker",
    batchSize: 1,
    batchCutoffSeconds: 1,
    folderId: "b1g",
    trigger,
  };
}

function trigger(id: string, containerId: string) {
  return {
    id,
    name: "tasks",
    status: "ACTIVE",
    labels: ownLabels(settings()),
    rule: {
      messageQueue: {
        queueId: "yrn:q",
        serviceAccountId: "ajereader",
        batchSettings: { size: "1", cutoff: "1s" },
        invokeContainer: { containerId, path: "/", serviceAccountId: "ajeinvoker" },
      },
    },
  };
}
