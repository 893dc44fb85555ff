import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { actionlint, gitlabSchema, type Linter, zizmor } from "./support/linters.ts";
import { ROOT } from "./support/sources.ts";

const GITHUB_FILE = join(ROOT, "ci", "github.yml");
const GITLAB_FILE = join(ROOT, "ci", "gitlab.yml");

describe.each<[string, string, () => Linter | undefined, string, string, RegExp]>([
  ["actionlint", GITHUB_FILE, actionlint, "runs-on:", "run-on:", /unexpected key "run-on"/],
  ["zizmor", GITHUB_FILE, zizmor, /@[0-9a-f]{40} # /.source, "@", /unpinned-uses/],
  ["GitLab's schema", GITLAB_FILE, gitlabSchema, "when: manual", "when: sometimes", /sometimes/],
])("%s", (name, file, install, target, replacement, finding) => {
  const lint = install();
  if (!lint && process.env.CI) throw new Error(`${name} cannot be installed, and this is CI.`);
  if (!lint) process.stderr.write(`${name} cannot be installed: it is skipped.\n`);

  test.skipIf(!lint)("finds nothing", () => {
    expect(lint?.(file)).toBe("");
  });

  test.skipIf(!lint)("would find something", () => {
    const folder = mkdtempSync(join(tmpdir(), "lint-"));
    const broken = join(folder, "pipeline.yml");
    const text = readFileSync(file, "utf8");
    writeFileSync(broken, text.replace(new RegExp(target), replacement));
    expect(lint?.(broken)).toMatch(finding);
  });
});
