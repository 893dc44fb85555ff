import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Before a first run has measured them, files go by their size; short ones that start much would be last. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => /\/e2e\/|\/local\.test/.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const isDeep = process.env.DEEP !== undefined;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: "test/support/quick-tokens.ts",
    // A test that drives terraform, docker and yc takes seconds, on a busy machine many. Quick ones wait for a
    // third of their time.
    maxWorkers: isDeep ? 2 : 3,
    // A process for each file takes a quarter of all the time. So a test mocks no module (it may be loaded
    // already), and leaves the process's variables, folder and clock as they were. A deep one may be killed.
    isolate: isDeep,
    maxConcurrency: 2,
    sequence: { sequencer: LongFirst },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Waits for an event end with it; this only ends the wait for one that never comes.
    expect: { poll: { timeout: 120_000 } },
  },
});
