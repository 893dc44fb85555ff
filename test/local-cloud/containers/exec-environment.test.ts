import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { makeExecEnvironment } from "../../../packages/local-cloud/containers/exec-environment.ts";
import { ROOT } from "../../support/sources.ts";
import { CACHE, SPEC } from "./_world.ts";

afterEach(() => vi.unstubAllEnvs());

test("a command keeps the Python of what runs, also where another one would suit better", async () => {
  const folder = mkdtempSync(join(tmpdir(), "exec-environment-"));
  const source = join(folder, "site");
  mkdirSync(source);
  writeFileSync(join(source, "requirements.txt"), "");
  writeFileSync(join(source, "Dockerfile"), "FROM python:3.99-slim\n");
  const warnings: string[] = [];
  const make = (python?: string) =>
    makeExecEnvironment({
      ...{ spec: { ...SPEC, source }, root: ROOT, cache: CACHE, secrets: {}, python },
      signal: new AbortController().signal,
      progress: () => {},
      warn: (message) => warnings.push(message),
    });
  const { env: first } = await make("python3");
  onTestFinished(() => rmSync(`${first.VIRTUAL_ENV}`, { recursive: true }));
  expect(warnings).toHaveLength(1);

  const better = join(folder, "bin", "python3.99");
  mkdirSync(join(folder, "bin"));
  writeFileSync(better, `#!/bin/sh\nprintf '%s\\n' "$0" True '3.99.0 (of this test)'\n`);
  chmodSync(better, 0o755);
  vi.stubEnv("PATH", `${join(folder, "bin")}${delimiter}${process.env.PATH}`);
  const { env: second } = await make();
  expect(second.VIRTUAL_ENV).toBe(first.VIRTUAL_ENV);
});
