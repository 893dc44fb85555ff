import { mkdirSync, mkdtempSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSynthesized } from "../../../scripts/lib/local/stack.ts";
import { fakeSystem } from "../_system.ts";

const SYNTH = `${process.execPath} run.mjs main.ts`;
const STACK = "cdktf.out/stacks/app/cdk.tf.json";

/** A project whose files were changed so many seconds ago. */
function project(files: Readonly<Record<string, number>>): string {
  const root = mkdtempSync(join(tmpdir(), "stack-"));
  for (const [file, ago] of Object.entries(files)) {
    const path = join(root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file === "config.ts" ? 'openapi: "routes/api.yaml"' : "text");
    const time = Date.now() / 1000 - ago;
    utimesSync(path, time, time);
  }
  return root;
}

const OLD = { "config.ts": 90, "main.ts": 90, "stacks/app.ts": 90, "constructs/deep/x.ts": 90 };

describe("readSynthesized", () => {
  test("takes what is there while its sources are older", async () => {
    const system = fakeSystem({ root: project({ ...OLD, [STACK]: 10, "README.md": 1 }) });

    expect(await readSynthesized(system, undefined)).toBe("text");
    expect(system.ran).toEqual([]);
  });

  test("looks where CDKTF_OUTDIR has it written", async () => {
    const root = project({ ...OLD, "elsewhere/stacks/app/cdk.tf.json": 10 });
    const system = fakeSystem({ root, env: { CDKTF_OUTDIR: "elsewhere" } });

    expect(await readSynthesized(system, undefined)).toBe("text");
  });

  test.each(["config.ts", "main.ts", "stacks/app.ts", "constructs/deep/x.ts", "routes/api.yaml"])(
    "synthesizes when %s has changed since",
    async (file) => {
      const root = project({ ...OLD, [STACK]: 10, [file]: 1 });
      const system = fakeSystem({ root, commands: { [SYNTH]: "" } });

      await readSynthesized(system, undefined);

      expect(system.ran).toEqual([SYNTH]);
    },
  );

  test("fails when the configuration is refused, with what synth says", async () => {
    const commands = { [SYNTH]: { exitCode: 1, stderr: "config.ts is wrong\n" } };
    const system = fakeSystem({ root: project(OLD), commands });

    await expect(readSynthesized(system, "test")).rejects.toThrow(/^config\.ts is wrong$/);
    expect(system.options).toEqual([{ env: { STAGE: "test" } }]);
  });
});
