import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { forgetCut, mendCutState, wasCut } from "../../../scripts/lib/terraform/cut-state.ts";

const BEFORE = '{"serial":1}';

test.each([
  ["empty", ""],
  ["half", '{"serial":2,"resour'],
])("of a state that was cut and is %s, the one before it is put back", async (_, cut) => {
  const file = newState(cut, BEFORE);

  await mendCutState(file);

  expect([readFileSync(file, "utf8"), wasCut(file)]).toEqual([BEFORE, true]);
  expect(readFileSync(`${file}.cut`, "utf8")).toBe(cut);
});

test.each([undefined, "", "{"])(
  "nothing is put back where the one before is %j",
  async (before) => {
    const file = newState("", before);

    await mendCutState(file);

    expect([existsSync(file), wasCut(file)]).toEqual([false, true]);
  },
);

test("a state that is whole, or that is not there, is left alone", async () => {
  const whole = newState('{"serial":2}', BEFORE);
  const none = newState(undefined, BEFORE);

  await mendCutState(whole);
  await mendCutState(none);

  expect(readFileSync(whole, "utf8")).toBe('{"serial":2}');
  expect([wasCut(whole), existsSync(none), wasCut(none)]).toEqual([false, false, false]);
});

test("a state that is being written is waited for", async () => {
  const file = newState("", BEFORE);
  const writer = setTimeout(() => writeFileSync(file, '{"serial":2}'), 100);

  await mendCutState(file);
  clearTimeout(writer);

  expect([readFileSync(file, "utf8"), wasCut(file)]).toEqual(['{"serial":2}', false]);
});

test("is forgotten when another run has finished it", async () => {
  const file = newState("", BEFORE);
  await mendCutState(file);

  forgetCut(file);

  expect(wasCut(file)).toBe(false);
});

function newState(text: string | undefined, before: string | undefined): string {
  const file = join(mkdtempSync(join(tmpdir(), "state-")), "app.tfstate");
  if (text !== undefined) writeFileSync(file, text);
  if (before !== undefined) writeFileSync(`${file}.backup`, before);
  return file;
}
