import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // A test that drives terraform, docker and yc takes seconds, on a busy machine many.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
