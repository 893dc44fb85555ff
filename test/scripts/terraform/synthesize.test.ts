import { describe, expect, test } from "vitest";
import { synthesize } from "../../../scripts/lib/terraform/synthesize.ts";
import { fakeSystem } from "../_system.ts";

const SYNTH = `${process.execPath} run.mjs main.ts`;

describe("synthesize", () => {
  test("writes the stage's stacks, whatever STAGE says", async () => {
    const system = fakeSystem({ commands: { [SYNTH]: "" }, env: { STAGE: "other", A: "1" } });

    await synthesize(system, undefined);

    expect(system.options).toEqual([{ env: { A: "1", STAGE: undefined } }]);
  });

  test("passes on what main.ts says", async () => {
    const system = fakeSystem({ commands: { [SYNTH]: { exitCode: 1, stderr: "[app] no\n" } } });

    await expect(synthesize(system, undefined)).rejects.toThrow("[app] no");
  });
});
