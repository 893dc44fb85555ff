import { describe, expect, test } from "vitest";
import { parseOutputs, parseState } from "../../../scripts/lib/terraform/state.ts";

describe("what terraform prints", () => {
  test("outputs without the secret ones", () => {
    const text = JSON.stringify({
      url: { value: "https://x", type: "string" },
      key: { value: "secret", type: "string", sensitive: true },
    });

    expect(parseOutputs(text)).toEqual({ url: "https://x" });
  });

  test("the managed resources of a state", () => {
    const text = JSON.stringify({
      version: 4,
      resources: [
        { mode: "managed", type: "a", name: "x", instances: [{ attributes: { id: "1" } }] },
        { mode: "data", type: "b", name: "y", instances: [{ attributes: { id: "2" } }] },
      ],
    });

    expect(parseState(text)).toEqual([{ address: "a.x", type: "a", attributes: { id: "1" } }]);
    expect(parseState("\n")).toEqual([]);
    expect(parseState('{"version":4}')).toEqual([]);
  });
});
