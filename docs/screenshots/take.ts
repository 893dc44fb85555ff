// Takes the screenshots of README.md: `node run.mjs docs/screenshots/take.ts`. Runs the example with
// `npm run local`, starts its jobs in Chromium, and captures the page and what the terminal shows.
// Needs Chromium and `script` of util-linux. Arguments go to `npm run local`, e.g. `--python PATH`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startChromium } from "./chromium.ts";
import { startLocal } from "./local.ts";
import { renderTerminal } from "./terminal-page.ts";
import { waitUntil } from "./wait.ts";

const IMAGES = resolve("docs/images");
const JOBS = ["report", "together", "fail", "remind"];
const WIDTH = 1100;

mkdirSync(IMAGES, { recursive: true });
const local = startLocal(process.argv.slice(2));
const { page, stop } = await startChromium();
try {
  await page.resize(WIDTH, 600);
  await page.open(await local.site());
  await page.evaluate('document.getElementById("name").value = "Ada"');
  await page.evaluate("document.forms[0].submit()");
  for (const job of JOBS) {
    const button = `document.querySelector("form[action='/start/${job}'] button")`;
    await waitUntil(`button ${job}`, () => page.evaluate(`Boolean(${button})`));
    await page.evaluate(`${button}.click()`);
    await waitUntil(`job ${job}`, () => page.evaluate(isThere(job)));
  }
  await waitUntil("end of the job that fails", () => page.evaluate(isThere(job("fail"))));
  await save("page.png");
  await waitUntil("reminder", () => page.evaluate(isThere(job("remind"))));
  // Its line in the terminal may come a moment later.
  await sleep(1000);
  await local.quit();
  await page.resize(WIDTH, 100);
  await page.show(renderTerminal("npm run local", local.output()));
  await save("terminal.png");
} finally {
  await local.quit();
  await stop();
}

function job(kind: string): string {
  return `${kind}][data-finished=true`;
}

function isThere(kind: string): string {
  return `Boolean(document.querySelector("#jobs > [data-kind=${kind}]"))`;
}

/** Saves the page in its whole height. */
async function save(name: string): Promise<void> {
  await page.resize(WIDTH, Number(await page.evaluate("document.documentElement.scrollHeight")));
  writeFileSync(join(IMAGES, name), await page.capture());
}
