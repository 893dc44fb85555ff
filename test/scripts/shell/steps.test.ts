import { describe, expect, test } from "vitest";
import { describeSteps, runSteps, type Step } from "../../../scripts/lib/shell/steps.ts";
import { joinProblems } from "../../../scripts/lib/shell/user-error.ts";
import { fakeSystem } from "../_system.ts";

const STEPS: Step<string[]>[] = [
  {
    title: "One",
    does: "do one",
    run: async (seen, report) => {
      seen.push("one");
      report("working");
      return "fine";
    },
  },
  { title: "Two", does: "do two", enabled: false, run: async () => "never" },
  {
    title: "Three",
    does: "do three",
    run: async () => {
      throw new Error("broken");
    },
  },
];

describe("runSteps", () => {
  test("says a line at each start and end, and stops at a failure", async () => {
    const system = fakeSystem();
    const seen: string[] = [];

    await expect(runSteps(system, STEPS, seen)).rejects.toThrow("broken");

    expect(seen).toEqual(["one"]);
    expect(system.said).toEqual(["… One", "✔ One: fine [0.0 s]", "… Three", "✖ Three [0.0 s]"]);
  });

  test("shows the tools' output on demand", async () => {
    const system = fakeSystem();
    await runSteps(system, STEPS.slice(0, 1), [], true);

    expect(system.said).toEqual(["… One", "    working", "✔ One: fine [0.0 s]"]);
  });

  test("says minutes of a long step", async () => {
    const system = fakeSystem();
    const run = async () => {
      await system.sleep(135_000);
      return "fine";
    };
    await runSteps(system, [{ title: "Long", does: "", run }], undefined);

    expect(system.said[1]).toBe("✔ Long: fine [2 min 15 s]");
  });
});

test("describeSteps numbers what is enabled", () => {
  expect(describeSteps(STEPS)).toEqual(["1. One: do one", "2. Three: do three"]);
});

test("joinProblems shows one problem alone and several as a list", () => {
  expect(joinProblems("Look:", ["a"])).toBe("a");
  expect(joinProblems("Look:", ["a", "b\nc"])).toBe("Look:\n  - a\n  - b\n    c");
});
