import { defineConfig } from "vitest/config";

// For a benchmark that drives the tests' stand-ins, which find their sources beside themselves.
export default defineConfig({
  test: {
    root: ".",
    include: ["bench/deploy.ts"],
    globalSetup: "test/support/global-setup.ts",
    testTimeout: 3_600_000,
    disableConsoleIntercept: true,
  },
});
