import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { hashContext } from "../../../scripts/lib/image/build-context.ts";

test("a file of more than 2 GiB counts", () => {
  const context = mkdtempSync(join(tmpdir(), "context-"));
  onTestFinished(() => rmSync(context, { recursive: true }));
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\n");
  const path = join(context, "large");
  writeFileSync(path, "");
  truncateSync(path, 2 ** 31 + 1);
  const before = hashContext({ context, dockerfile: "Dockerfile" });
  truncateSync(path, 2 ** 31 + 2);

  expect(hashContext({ context, dockerfile: "Dockerfile" })).not.toBe(before);
});
