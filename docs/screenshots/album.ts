import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { startLocal } from "./local.ts";

/** What a clone does not have. */
const LEFT_OUT = ["node_modules", ".git", ".state", ".env.local", ".venv", "cdktf.out"];
/** Runs in the page. */
const UPLOAD = readFileSync("docs/screenshots/upload.js", "utf8");
/** Hues of the horizon, by titles. */
const LANDSCAPES = { "Blue hour": 345, Noon: 45, "The long ridge": 0, "First light": 20 };

/**
 * Runs the second example with `npm run local` in a copy of the repository, shows its page with
 * pictures that are drawn there, and calls `capture`.
 */
export async function showAlbum(
  page: Page,
  args: readonly string[],
  capture: () => Promise<void>,
): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), "album-"));
  cpSync(".", copy, { recursive: true, filter: (file) => !LEFT_OUT.includes(basename(file)) });
  cpSync("examples/django-postgres/config.ts", join(copy, "config.ts"));
  symlinkSync(resolve("node_modules"), join(copy, "node_modules"));
  const local = startLocal(args, copy);
  try {
    await page.goto(await local.site());
    for (const [index, [title, hue]] of Object.entries(LANDSCAPES).entries()) {
      await page.evaluate(UPLOAD);
      await page.evaluate(`upload(${JSON.stringify(title)}, ${hue})`);
      await page.locator("#photos img").nth(index).waitFor();
    }
    await capture();
  } finally {
    await local.quit();
    rmSync(copy, { recursive: true, force: true });
  }
}
