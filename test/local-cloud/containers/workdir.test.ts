import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findWorkdir } from "../../../packages/local-cloud/containers/_workdir.ts";

const find = (files: readonly string[], workdir?: string, CELERY_APP = "shop.celery:app") => {
  const root = mkdtempSync(join(tmpdir(), "workdir-"));
  for (const file of ["site/manage.py", ...files]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), "");
  }
  const spec = { source: "site", environment: { CELERY_APP }, ...(workdir && { workdir }) };
  return findWorkdir(root, spec).slice(root.length + 1);
};

test.each<[string, readonly string[]]>([
  ["site", ["site/shop/celery.py", "site/src/shop/celery.py"]],
  ["site", ["site/shop.py"]],
  ["site/src", ["site/src/shop/celery.py", "site/docs/shop/page.md"]],
  ["site/backend", ["site/backend/shop/celery.py"]],
  ["site", ["site/a/shop/celery.py", "site/b/shop/celery.py"]],
  ["site", []],
])("is %s with %j", (folder, files) => {
  expect(find(files)).toBe(folder);
});

test("is what config.ts says, and that is refused where it does not exist", () => {
  expect(find(["site/shop/a", "site/app/shop/a"], "app")).toBe("site/app");
  expect(() => find([], "app")).toThrow(
    /site\/app does not exist\. Set 'image\.workdir' in config\.ts to the folder/,
  );
});
