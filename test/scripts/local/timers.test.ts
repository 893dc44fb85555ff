import { describe, expect, test } from "vitest";
import type { LocalCloud } from "../../../packages/local-cloud/local-cloud.ts";
import { refuseUnknownTimer, TimerChoice } from "../../../scripts/lib/local/timers.ts";

function cloudWith(...names: string[]) {
  const fired: string[] = [];
  const cloud = {
    blueprint: () => ({ timers: names.map((name) => ({ name })) }),
    fire: async (name: string) => {
      fired.push(name);
      return 200;
    },
  } as unknown as LocalCloud;
  const notes: string[] = [];
  const reporter = {
    starting: () => {},
    running: () => {},
    end: () => {},
    note: (text: string) => void notes.push(text),
  };
  return { cloud, fired, notes, choice: new TimerChoice(cloud, reporter) };
}

describe("TimerChoice", () => {
  test("fires the only timer", () => {
    const { choice, fired } = cloudWith("nightly");
    choice.ask();
    expect(fired).toEqual(["nightly"]);
  });

  test("asks which of several, once", () => {
    const { choice, fired, notes } = cloudWith("nightly", "hourly");
    choice.keys["2"]?.();
    choice.ask();
    choice.keys["2"]?.();
    choice.keys["1"]?.();

    expect(notes).toEqual(["fire 1 nightly   2 hourly"]);
    expect(fired).toEqual(["hourly"]);
  });

  test("says where timers come from when there is none", () => {
    const { choice, notes } = cloudWith();
    choice.ask();
    expect(notes).toEqual(["no timers: set 'schedule' in config.ts"]);
  });
});

describe("refuseUnknownTimer", () => {
  test("fails when there is no such timer", () => {
    const { cloud } = cloudWith("nightly");

    expect(() => refuseUnknownTimer(cloud, "nightly")).not.toThrow();
    expect(() => refuseUnknownTimer(cloud, "daily")).toThrow(
      `Timer "daily" is not in the stack (known: nightly).`,
    );
    expect(() => refuseUnknownTimer(cloudWith().cloud, "daily")).toThrow("(known: none)");
  });
});
