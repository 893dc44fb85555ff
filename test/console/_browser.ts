import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";

export { CHROMIUM };

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A browser for the tests of a file. What a page complains of fails the test. */
export function useBrowser() {
  let browser: Browser;
  let complaints: string[] = [];
  const kept = new Set<BrowserContext>();
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    for (const context of browser.contexts()) if (!kept.has(context)) await context.close();
    expect(complaints).toEqual([]);
    complaints = [];
  });
  const open = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({ timezoneId: "UTC", ...options });
    const page = await context.newPage();
    // Only ends a wait for what never comes: a busy machine takes its time.
    page.setDefaultTimeout(120_000);
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
    return page;
  };
  /** Takes back complaints that a test has provoked. */
  const forgive = (pattern: RegExp) => {
    complaints = complaints.filter((line) => !pattern.test(line));
  };
  /** Leaves the page open for the tests that follow. */
  const keep = (page: Page) => kept.add(page.context());
  return Object.assign(open, { forgive, keep });
}

/** What axe finds wrong with the page as it is. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, any }) => [id, html.slice(0, 200), ...any.map(({ message }) => message)].join("\\n"))))`,
  );
}
