import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: "test/support/quick-tokens.ts",
    // A test that drives terraform, docker and yc takes seconds, on a busy machine many.
    maxWorkers: 2,
    maxConcurrency: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Waits for an event end with it; this only ends the wait for one that never comes.
    expect: { poll: { timeout: 120_000 } },
  },
});
