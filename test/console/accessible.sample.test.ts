import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { sampled } from "../support/sample.ts";
import { CHROMIUM, violationsOf } from "./_browser.ts";
import { type Look, type Shown, useElements } from "./_elements.ts";
import { badHour, deadGroups, failedTask, hourOf, lateTask, overview } from "./_example.ts";
import { usePageServer } from "./_page.ts";
import { type PageServer, tasksOf } from "./_page-server.ts";

async function expectGood(page: Page, width: number, name: string): Promise<void> {
  if (process.env.SCREENSHOTS)
    await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });
  expect(await violationsOf(page)).toEqual([]);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
}

describe.skipIf(CHROMIUM === undefined)("an element is accessible, and fits the screen", () => {
  const show = useElements();
  const SCENES: Readonly<Record<string, readonly Shown[]>> = {
    much: [
      ["task-detail", { overview, detail: failedTask() }],
      ["dead-letters", { overview, groups: deadGroups() }],
      ["last-hour", { hour: badHour() }],
    ],
    little: [
      ["task-detail", { overview: { ...overview, actions: [] }, detail: lateTask() }],
      ["dead-letters", { overview, groups: [] }],
      ["last-hour", { hour: hourOf(() => ({})) }],
    ],
  };
  // Each language, width and colour comes in the first two.
  const looks: Look[] = [
    { colorScheme: "light", lang: "en", width: 1280 },
    { colorScheme: "dark", lang: "ru", width: 360 },
    { colorScheme: "dark", lang: "en", width: 1280 },
    { colorScheme: "light", lang: "ru", width: 360 },
  ];
  const all = looks.flatMap((look) => Object.keys(SCENES).map((scene) => ({ scene, ...look })));

  test.each(all.slice(0, sampled("looks at the elements", 4, all.length)))(
    "$scene, $colorScheme, $lang, $width px",
    async ({ scene, width = 0, ...look }) => {
      const page = await show(SCENES[scene] ?? [], { width, ...look });
      await page.evaluate(
        "for (const fold of document.querySelectorAll('details')) fold.open = true",
      );
      const edit = page.locator("[data-key=edit]");
      if (await edit.count()) {
        await edit.click();
        await page.locator("textarea").first().fill("[1,]");
        await page.keyboard.press("Control+Enter");
      }
      await expectGood(page, width, `${scene}-${look.colorScheme}-${width}`);
    },
  );
});

describe.skipIf(CHROMIUM === undefined)("the page is accessible, and fits the screen", () => {
  let server: PageServer;

  const open = usePageServer((started) => {
    server = started;
  });

  const views = [
    ["list", "light", "[data-id]", 1280, ""],
    ["dead letters", "dark", "dead-letters h3", 390, "#view=dead&lang=ru"],
    ["last hour", "light", "last-hour svg", 1280, "#view=hour"],
    ["list", "dark", "[data-id]", 390, "#lang=ru"],
    ["dead letters", "light", "dead-letters h3", 1280, "#view=dead"],
    ["last hour", "dark", "last-hour svg", 390, "#view=hour&lang=ru"],
    ["list", "light", "[data-id]", 390, "#lang=ru"],
    ["list", "dark", "[data-id]", 1280, ""],
  ] as const;

  test.each(views.slice(0, sampled("views of the page", 3, views.length)))(
    "%s, %s: empty, full, and with a task open",
    async (name, colorScheme, full, width, hash) => {
      const page = await open({ colorScheme, viewport: { width, height: 800 } });
      await page.goto(server.url + hash);
      await page.locator("#live[data-is=live]").waitFor();
      await expectGood(page, width, `${name}-${colorScheme}-${width}-empty`);

      server.source.put(...tasksOf(60));
      server.source.groups = deadGroups();
      server.source.lastHour = badHour();
      await page.reload();
      await page.locator(full).first().waitFor();
      await expectGood(page, width, `${name}-${colorScheme}-${width}-full`);

      const row = page.locator("[data-id]").first();
      if (!(await row.isVisible())) return;
      await row.click();
      await page.locator("task-detail h2").waitFor();
      await expectGood(page, width, `${name}-${colorScheme}-${width}-open`);
    },
  );
});
