// The page with 10,000 tasks, in Chromium: how soon it shows rows, what a change and a scrolled frame
// take, and what is fetched. `node run.mjs bench/page.ts`.
import { gzipSync } from "node:zlib";
import { BUSY, PageServer, tasksOf } from "../test/console/_page-server.ts";
import { launchChromium } from "../test/support/chromium.ts";

const TASKS = 10_000;
const OPENINGS = 15;
const tasks = tasksOf(TASKS);
const server = await new PageServer().start();
server.source.answer = BUSY;
server.source.put(...tasks);
const browser = await launchChromium();

const opened: number[] = [];
for (let count = 0; count < OPENINGS; count++) opened.push(await open());
say("open to rows", opened, "goal 500; Flower ~900 for 15 of 10,000 rows");

const page = await browser.newPage();
const sizes: Promise<number>[] = [];
page.on("response", (response) => {
  if (/\/(page\/.*)?$/.test(new URL(response.url()).pathname))
    sizes.push(response.body().then((body) => gzipSync(body).length));
});
const from = server.requests.length;
await page.goto(server.url);
await page.locator("#live[data-is=live]").waitFor();
await page.locator("[data-id]").first().waitFor();
const bytes = (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
console.log(
  `first page: ${(bytes / 1024).toFixed(1)} KB gz, ${server.requests.length - from} requests (goal 30, 12; Sidekiq ~12 KB; Temporal 741 KB, 194)`,
);

// All rows at once, then a change at a time with its layout.
const changes = await page.evaluate<number[]>(
  `((tasks) => {
    const list = document.querySelector("task-list");
    list.show(tasks, true);
    list.getBoundingClientRect();
    return Array.from({ length: 100 }, (_, count) => {
      const [task] = tasks.splice(5000 + count, 1);
      const changed = tasks.with(0, tasks[0]);
      const start = performance.now();
      changed.unshift({ ...task, state: "ok", changedAt: Date.now() + count });
      list.show(changed);
      list.getBoundingClientRect();
      tasks = changed;
      return performance.now() - start;
    });
  })(${JSON.stringify(tasks)})`,
);
console.log(`rows: ${await page.locator("[data-id]").count()}`);
say("a change", changes, "goal 5 median");

const frames = await page.evaluate<number[]>(`new Promise((resolve) => {
  const scroller = document.querySelector(".scroller");
  const frames = [];
  let last;
  const step = (now) => {
    if (last !== undefined) frames.push(now - last);
    last = now;
    scroller.scrollTop += 120;
    if (frames.length < 300) requestAnimationFrame(step);
    else resolve(frames);
  };
  requestAnimationFrame(step);
})`);
say("a scrolled frame", frames, "goal 17 median, 34 p95");

await browser.close();
await server.close();

/**
 * Milliseconds from the start of the navigation until the frame with the first rows is done, in a browser
 * that has cached nothing. Taken within the page: from outside, the tool's own looks are in it.
 */
async function open(): Promise<number> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(`globalThis.seen = new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector("[data-id]")) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    }).observe(document, { childList: true, subtree: true });
  })`);
  await page.goto(server.url, { waitUntil: "commit" });
  const taken = await page.evaluate<number>("seen");
  await context.close();
  return taken;
}

function say(what: string, times: readonly number[], anchor: string): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  console.log(`${what}: ${at(0.5)} ms median, ${at(0.95)} p95 (${anchor})`);
}
