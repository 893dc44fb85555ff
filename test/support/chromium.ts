import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run"];

/** `CHROMIUM`, or the system's. A laptop may have none: tests in a browser are left out, and say so. */
export const CHROMIUM =
  process.env.CHROMIUM ??
  (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));

if (CHROMIUM === undefined) {
  if (process.env.CI) throw new Error("Chromium is missing, and this is CI.");
  console.warn(
    "Left out: the tests of the page in a browser, because Chromium is not installed. Install it, or set CHROMIUM to where it is.",
  );
}

/** Without a window. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS.map((flag) => `--${flag}`) });
}
