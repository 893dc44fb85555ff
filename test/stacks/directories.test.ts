import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeStageDirectory } from "../../stacks/directories.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stage-"));
});

afterEach(() => rmSync(root, { recursive: true }));

const modeOf = (path: string) => statSync(join(root, path)).mode & 0o777;

describe("makeStageDirectory", () => {
  test("is for its owner alone, before Terraform writes a state there", () => {
    expect(makeStageDirectory("test", root)).toBe(join(root, ".state/test"));
    expect([modeOf(".state"), modeOf(".state/test")]).toEqual([0o700, 0o700]);
  });

  test("is closed where it stood open", () => {
    mkdirSync(join(root, ".state/default"), { recursive: true });
    chmodSync(join(root, ".state"), 0o755);
    chmodSync(join(root, ".state/default"), 0o755);

    makeStageDirectory(undefined, root);

    expect([modeOf(".state"), modeOf(".state/default")]).toEqual([0o700, 0o700]);
  });
});
