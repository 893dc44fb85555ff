import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import type { DeadLetterGroup, Hour, Overview, TaskDetail } from "../../packages/console/source.ts";
import { useBrowser } from "./_browser.ts";

const FOLDER = new URL("../../packages/console/page/", import.meta.url);
const TYPES: Readonly<Record<string, string>> = { js: "text/javascript", css: "text/css" };
/** The page that main.js is not on: mounts elements, notes what they tell, and forgets all of it. */
const MOUNT = `
  import "/page/task-detail.js";
  import "/page/dead-letters.js";
  import "/page/last-hour.js";
  globalThis.told = [];
  for (const type of ["console-action", "console-select", "console-close"])
    addEventListener(type, ({ detail }) => told.push([type, detail]));
  globalThis.reset = (lang) => {
    document.documentElement.lang = lang;
    history.replaceState(null, "", "#t=1&show=failed&lang=" + lang);
    document.querySelector("main").replaceChildren(document.querySelector("h1"));
    told.length = 0;
  };
  globalThis.mount = (tag, json) => {
    const main = document.querySelector("main");
    const element = document.querySelector(tag) ?? main.appendChild(document.createElement(tag));
    Object.assign(element, JSON.parse(json));
  };`;
const HTML = `<!doctype html><title>Tasks</title>
  <meta name="viewport" content="width=device-width">
  <link rel="stylesheet" href="/page/style.css"><link rel="stylesheet" href="/page/detail.css">
  <script type="module" src="/mount.js"></script><header></header><aside></aside><main><h1>shop</h1></main>`;

/** How a page is looked at. */
export interface Look {
  readonly lang?: "en" | "ru";
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  /** The page's clock stands there. */
  readonly now?: number;
}

/** An element, and what it is given. */
export type Shown =
  | ["task-detail", { detail?: TaskDetail; overview?: Overview }]
  | ["dead-letters", { groups?: readonly DeadLetterGroup[]; overview?: Overview }]
  | ["last-hour", { hour: Hour }];

/**
 * A browser for the tests of a file, which shows elements and nothing else: in one page, because to open it
 * takes most of a test's time. One whose clock stands has a page of its own.
 */
export function useElements() {
  const newPage = useBrowser();
  let kept: Page | undefined;
  const openPage = async (now?: number) => {
    const page = await newPage();
    if (now === undefined) newPage.keep(page);
    else {
      await page.clock.install({ time: now - 1000 });
      await page.clock.pauseAt(now);
    }
    await serve(page);
    return page;
  };
  return async (
    shown: readonly Shown[],
    { lang = "en", colorScheme = "light", width = 1280, now }: Look = {},
  ): Promise<Page> => {
    const page = (now === undefined ? kept : undefined) ?? (await openPage(now));
    if (now === undefined) kept = page;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(`reset(${JSON.stringify(lang)})`);
    for (const each of shown) await mount(page, each);
    return page;
  };
}

async function serve(page: Page): Promise<void> {
  await page.route("**/*", (route) => {
    const { pathname } = new URL(route.request().url());
    const headers = { "Content-Security-Policy": "default-src 'self'" };
    if (pathname === "/") return route.fulfill({ headers, contentType: "text/html", body: HTML });
    if (pathname === "/favicon.ico") return route.fulfill({ status: 204 });
    const body =
      pathname === "/mount.js" ? MOUNT : readFileSync(new URL(pathname.slice(6), FOLDER));
    const contentType = TYPES[pathname.split(".").at(-1) ?? ""] ?? "";
    return route.fulfill({ headers, contentType: `${contentType}; charset=utf-8`, body });
  });
  await page.goto("http://localhost/");
  await page.waitForFunction("globalThis.mount !== undefined");
}

/** Makes the element, or gives another thing to the one that is there. */
export async function mount(page: Page, [tag, properties]: Shown): Promise<void> {
  await page.evaluate(
    `mount(${JSON.stringify(tag)}, ${JSON.stringify(JSON.stringify(properties))})`,
  );
}
