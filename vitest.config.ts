import { relative } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";

export default defineConfig({
  plugins: process.env.MUTANT ? [mutate(JSON.parse(process.env.MUTANT))] : [],
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // A test that drives terraform, docker and yc takes seconds, on a busy machine many.
    maxWorkers: 2,
    maxConcurrency: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Waits for an event end with it; this only ends the wait for one that never comes.
    expect: { poll: { timeout: 120_000 } },
  },
});

/** Changes one source file as it is loaded; see test/mutants.ts. */
function mutate(mutant: { file: string; start: number; end: number; text: string }): Plugin {
  return {
    name: "mutate",
    enforce: "pre",
    transform(code, id) {
      if (relative(process.cwd(), id) !== mutant.file) return undefined;
      return code.slice(0, mutant.start) + mutant.text + code.slice(mutant.end);
    },
  };
}
