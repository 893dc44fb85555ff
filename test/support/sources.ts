import { cpSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

/** The project's folder. */
export const ROOT = resolve(import.meta.dirname, "..", "..");

const SOURCES = [
  "main.ts",
  "config.ts",
  "run.mjs",
  "package.json",
  "cdktf.json",
  "mirror.env",
  "mirror.tfrc",
  "terraform.lock.hcl",
  "tsconfig.json",
  "constructs",
  "stacks",
  "scripts",
  "packages/celery-push-worker/.dockerignore",
  "packages/celery-push-worker/pyproject.toml",
  "packages/celery-push-worker/layer",
  "packages/celery-push-worker/src",
  "packages/console",
  "packages/local-cloud",
  "packages/task-history",
];

/** Copies the sources that the commands run, for a test that wants a `config.ts` of its own. */
export function copySources(to: string): void {
  mkdirSync(to, { recursive: true });
  for (const source of SOURCES) {
    cpSync(join(ROOT, source), join(to, source), { recursive: true });
  }
}
