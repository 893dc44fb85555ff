import { TerraformStack, TerraformVariable, Testing } from "cdktf";
import { Construct } from "constructs";
import { describe, expect, test } from "vitest";
import { TriggerOutput } from "../../constructs/_trigger-output.ts";
import type { TimerTriggerSpec } from "../../constructs/trigger-spec.ts";
import { refusals, synth } from "../support/synth.ts";

const SPEC: TimerTriggerSpec = {
  kind: "timer",
  cron: "0 3 * * ? *",
  payload: "",
  containerId: "bba1",
  path: "/",
  invokerId: "aje1",
  folderId: "b1g1",
  trigger: "yc",
};

describe("TriggerOutput", () => {
  test("is one output of a stack, however deep its users are", () => {
    synth((scope) => {
      const inner = new Construct(new Construct(scope, "Outer"), "Inner");

      expect(TriggerOutput.of(inner)).toBe(TriggerOutput.of(scope));
    });
  });

  test("is one for each stack", () => {
    const app = Testing.app();
    const outputs = ["one", "two"].map((id) => TriggerOutput.of(new TerraformStack(app, id)));

    expect(outputs[0]).not.toBe(outputs[1]);
  });

  test("has the entries in order of name, also those added last", () => {
    const stack = synth((scope) => {
      for (const name of ["night", "hour", "week"]) TriggerOutput.of(scope).add(name, SPEC, scope);
    });

    expect(Object.entries(stack.output?.triggers?.value ?? {})).toEqual([
      ["hour", SPEC],
      ["night", SPEC],
      ["week", SPEC],
    ]);
  });

  test("rejects a name that stands for two triggers, naming both", () => {
    const messages = refusals((scope) => {
      for (const id of ["First", "Second", "Third"]) {
        const name = id === "Third" ? "other" : "same";
        TriggerOutput.of(scope).add(name, SPEC, new Construct(scope, id));
      }
    });

    expect(messages).toEqual([
      "[app/Triggers] 'name' is \"same\", allowed: one trigger of a name in a folder. Rename one of app/First and app/Second.",
    ]);
  });

  test("skips names that are not known at synth", () => {
    const messages = refusals((scope) => {
      const { stringValue } = new TerraformVariable(scope, "name", {});
      TriggerOutput.of(scope).add(stringValue, SPEC, scope);
      TriggerOutput.of(scope).add(stringValue, SPEC, scope);
    });

    expect(messages).toEqual([]);
  });
});
