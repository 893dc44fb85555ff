// Takes the screenshots: `node run.mjs docs/screenshots/take.ts`. Runs both examples with `npm run local`,
// starts jobs and uploads pictures in Chromium, and captures the pages and what the terminal shows.
// Needs Chromium and `script` of util-linux. Arguments go to `npm run local`, e.g. `--python PATH`.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { launchChromium } from "../../test/support/chromium.ts";
import { showAlbum } from "./album.ts";
import { startLocal } from "./local.ts";
import { renderTerminal } from "./terminal-page.ts";

const IMAGES = resolve("docs/images");
const JOBS = ["report", "together", "fail", "remind"];
const WIDTH = 1100;
const CONSOLE = { width: 1280, height: 640 };

mkdirSync(IMAGES, { recursive: true });
const local = startLocal(process.argv.slice(2));
const browser = await launchChromium();
const page = await browser.newPage();
try {
  await page.setViewportSize({ width: WIDTH, height: 600 });
  await page.goto(await local.site());
  await page.fill("#name", "Ada");
  await page.press("#name", "Enter");
  for (const job of JOBS) {
    await page.click(`form[action='/start/${job}'] button`);
    await page.waitForSelector(shown(job));
  }
  await page.waitForSelector(shown("fail", "[data-finished=true]"));
  await save("page.png");
  await page.waitForSelector(shown("remind", "[data-finished=true]"));
  // Its line in the terminal may come a moment later.
  await sleep(1000);
  const console = await local.console();
  await saveConsole("console.png", console);
  await page.emulateMedia({ colorScheme: "dark" });
  await saveConsole("console-task.png", `${console}/#show=failed`, ["j", "Enter"]);
  await page.emulateMedia({ colorScheme: "light" });
  await local.quit();
  await page.setViewportSize({ width: WIDTH, height: 100 });
  await page.setContent(renderTerminal("npm run local", local.output()));
  await save("terminal.png");
  await page.setViewportSize({ width: WIDTH, height: 100 });
  await showAlbum(page, process.argv.slice(2), () => save("album.png"));
} finally {
  await local.quit();
  await browser.close();
}

function shown(job: string, more = ""): string {
  return `#jobs > [data-kind=${job}]${more}`;
}

/** Saves a view of the page of the tasks, after keys that are pressed in it. */
async function saveConsole(name: string, url: string, keys: readonly string[] = []): Promise<void> {
  await page.setViewportSize(CONSOLE);
  // From another place in the same document nothing would be loaded.
  await page.goto("about:blank");
  await page.goto(url);
  await page.locator("[data-id]").first().waitFor();
  for (const key of keys) await page.keyboard.press(key);
  // What has just changed is drawn first.
  await sleep(1000);
  await page.screenshot({ path: join(IMAGES, name) });
}

/** Saves the page in its whole height. */
async function save(name: string): Promise<void> {
  await sleep(500);
  await page.screenshot({ path: join(IMAGES, name), fullPage: true });
}
