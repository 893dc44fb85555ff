// A vitest that stays, because its start takes longer than most tests: runs those of one mutant after
// the other, as its parent sends them, and answers with a `RunResult`. Each run has processes of its own.
import { relative, resolve } from "node:path";
import { createVitest } from "vitest/node";
import type { Mutant } from "./mutants.ts";

/** What became of the tests of a mutant. */
export interface RunResult {
  /** Tests that have failed; a file that cannot be loaded has none. */
  readonly failed: number;
  /** Whether every file could be loaded, all its tests passed, and nothing else went wrong. */
  readonly success: boolean;
}

// Each run listens for the end of this process anew.
process.setMaxListeners(0);
let mutant: Mutant | undefined;

const mutate = {
  name: "mutate",
  enforce: "pre" as const,
  transform(code: string, id: string) {
    if (relative(process.cwd(), id) !== mutant?.file) return undefined;
    return code.slice(0, mutant.start) + mutant.text + code.slice(mutant.end);
  },
};
const vitest = await createVitest(
  "test",
  // Modules that stay would stay without their mutant.
  { watch: false, bail: 1, reporters: [{}], isolate: true },
  { plugins: [mutate] },
);

process.on("message", (next: Mutant) => void run(next));
process.on("disconnect", () => process.exit());
process.send?.("ready");

async function run(next: Mutant): Promise<void> {
  for (const file of [mutant?.file, next.file]) if (file) vitest.invalidateFile(resolve(file));
  mutant = next;
  const specifications = await vitest.globTestSpecifications([...next.tests]);
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications, true);
  const failed = testModules.flatMap(({ children }) => [...children.allTests("failed")]).length;
  const isWell = testModules.length > 0 && testModules.every((module) => module.ok());
  const success = isWell && unhandledErrors.length === 0;
  process.send?.({ failed, success } satisfies RunResult);
}
