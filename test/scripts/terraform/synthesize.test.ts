import { describe, expect, test } from "vitest";
import { synthesize } from "../../../scripts/lib/terraform/synthesize.ts";
import { fakeWorld } from "../_world.ts";

const SYNTH = `${process.execPath} run.mjs main.ts`;

describe("synthesize", () => {
  test("writes the stage's stacks, whatever STAGE says", async () => {
    const world = fakeWorld({ commands: { [SYNTH]: "" }, env: { STAGE: "other", A: "1" } });

    await synthesize(world, undefined);

    expect(world.options).toEqual([{ env: { A: "1", STAGE: undefined } }]);
  });

  test("passes on what main.ts says", async () => {
    const world = fakeWorld({ commands: { [SYNTH]: { exitCode: 1, stderr: "[app] no\n" } } });

    await expect(synthesize(world, undefined)).rejects.toThrow("[app] no");
  });
});
