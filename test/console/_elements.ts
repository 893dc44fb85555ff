import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import type { DeadLetterGroup, Hour, Overview, TaskDetail } from "../../packages/console/source.ts";
import { useBrowser } from "./_browser.ts";

const FOLDER = new URL("../../packages/console/page/", import.meta.url);
const TYPES: Readonly<Record<string, string>> = { js: "text/javascript", css: "text/css" };
/** The page that main.js is not on: mounts elements, and notes what they tell. */
const MOUNT = `
  import "/page/task-detail.js";
  import "/page/dead-letters.js";
  import "/page/last-hour.js";
  globalThis.told = [];
  for (const type of ["console-action", "console-select", "console-close"])
    addEventListener(type, ({ detail }) => told.push([type, detail]));
  globalThis.mount = (tag, json) => {
    const main = document.querySelector("main");
    const element = document.querySelector(tag) ?? main.appendChild(document.createElement(tag));
    Object.assign(element, JSON.parse(json));
  };`;
const HTML = (lang: string) => `<!doctype html><html lang="${lang}"><title>Tasks</title>
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

/** A browser for the tests of a file, which shows elements and nothing else. */
export function useElements() {
  const newPage = useBrowser();
  return async (
    shown: readonly Shown[],
    { lang = "en", colorScheme = "light", width = 1280, now }: Look = {},
  ): Promise<Page> => {
    const page = await newPage({ colorScheme, viewport: { width, height: 900 } });
    if (now !== undefined) {
      await page.clock.install({ time: now - 1000 });
      await page.clock.pauseAt(now);
    }
    await open(page, lang);
    for (const each of shown) await mount(page, each);
    return page;
  };
}

async function open(page: Page, lang: string): Promise<void> {
  await page.route("**/*", (route) => {
    const { pathname } = new URL(route.request().url());
    const headers = { "Content-Security-Policy": "default-src 'self'" };
    if (pathname === "/")
      return route.fulfill({ headers, contentType: "text/html", body: HTML(lang) });
    if (pathname === "/favicon.ico") return route.fulfill({ status: 204 });
    const body =
      pathname === "/mount.js" ? MOUNT : readFileSync(new URL(pathname.slice(6), FOLDER));
    const contentType = TYPES[pathname.split(".").at(-1) ?? ""] ?? "";
    return route.fulfill({ headers, contentType: `${contentType}; charset=utf-8`, body });
  });
  await page.goto(`http://localhost/#t=1&show=failed&lang=${lang}`, { waitUntil: "load" });
}

/** Makes the element, or gives another thing to the one that is there. */
export async function mount(page: Page, [tag, properties]: Shown): Promise<void> {
  await page.waitForFunction("globalThis.mount !== undefined");
  await page.evaluate(
    `mount(${JSON.stringify(tag)}, ${JSON.stringify(JSON.stringify(properties))})`,
  );
}
