import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { CHROMIUM, violationsOf } from "./_browser.ts";
import { badHour } from "./_example.ts";
import { usePageServer } from "./_page.ts";
import { BUSY, type PageServer, tasksOf } from "./_page-server.ts";
import { summary } from "./_source.ts";

const HOSTILE = {
  name: `<img src=x onerror="document.title='hacked'">\u001b[31m\u202Eexe.yap${"A".repeat(100_000)}`,
  args: "\u202Etxt \u0000 <script>alert(1)</script>",
};

describe.skipIf(CHROMIUM === undefined)("the page", () => {
  let server: PageServer;

  const open = usePageServer((started) => {
    server = started;
  });

  async function show(options: Parameters<typeof open>[0] = {}, hash = ""): Promise<Page> {
    const page = await open(options);
    await visit(page, hash);
    return page;
  }

  async function visit(page: Page, hash = ""): Promise<void> {
    await page.goto(server.url + hash);
    await page.locator("#live[data-is=live]").waitFor();
  }

  function firstRow(page: Page): Promise<string | null> {
    return page.locator("[data-id]").first().textContent();
  }

  test("is small, and asks nobody else", async () => {
    server.source.put(...tasksOf(2000));
    const page = await open();
    const sizes: Promise<number>[] = [];
    const addresses: string[] = [];
    page.on("response", (response) => {
      if (!response.url().startsWith("data:")) addresses.push(response.url());
      if (/\/(page\/.*)?$/.test(response.url()))
        sizes.push(response.body().then((body) => gzipSync(body).length));
    });
    await visit(page);
    await page.locator("[data-id]").first().waitFor();
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(30 * 1024);
    expect(server.requests.length, server.requests.join("\n")).toBeLessThanOrEqual(12);
    expect(addresses.filter((address) => !address.startsWith(server.url))).toEqual([]);
  });

  test("shows what happens", async () => {
    const page = await show();
    await page.getByText("No task yet.").waitFor();
    expect(await page.locator(".command code").textContent()).toMatch(
      /^npm run local -- manage shell/,
    );
    server.source.put(summary("a", { changedAt: 1, state: "running" }));
    await page.locator("[data-id=a][data-state=running]").waitFor();
    server.source.put(summary("b", { changedAt: 2 }), summary("a", { changedAt: 3 }));
    await page.locator("[data-id=b]").waitFor();
    expect(await firstRow(page)).toContain("ok");
    expect(await page.locator("[data-id]").first().getAttribute("data-id")).toBe("a");
  });

  test("moves no row under the pointer", async () => {
    server.source.put(summary("a", { changedAt: 1, state: "running" }));
    const page = await show();
    await page.locator("[data-id=a]").hover();
    server.source.put(summary("b", { changedAt: 2 }), summary("a", { changedAt: 1, state: "ok" }));
    await page.getByRole("button", { name: "1 new" }).waitFor();
    await page.locator("[data-id=a][data-state=ok]").waitFor();
    expect(await page.locator("[data-id]").count()).toBe(1);
    await page.getByRole("button", { name: "1 new" }).click();
    expect(await page.locator("[data-id]").first().getAttribute("data-id")).toBe("b");
  });

  test("shows what has become of a task under the pointer that left the list", async () => {
    server.source.put(summary("a", { changedAt: 1, state: "running" }));
    const page = await show({}, "#show=running");
    await page.locator("[data-id=a]").hover();
    server.source.put(summary("a", { changedAt: 2, state: "ok" }));
    await page.locator("[data-id=a][data-state=ok][data-left]").waitFor();
    await page.locator("h1").hover();
    await expect.poll(() => page.locator("[data-id]").count()).toBe(0);
  });

  test("ends a delay by itself, and counts on how long it waits", async () => {
    const now = Date.now();
    server.source.put(
      summary("a", { changedAt: now - 60_000, state: "delayed", dueAt: now + 3000 }),
    );
    const page = await show();
    await page.locator("[data-id=a][data-state=delayed]").waitFor();
    await page.locator("[data-id=a][data-state=waiting]").getByText("1 min").waitFor();
  });

  test("says that tasks are paused beside whether it is connected", async () => {
    server.source.answer = { ...BUSY, paused: true };
    const page = await show();
    await expect.poll(() => page.locator("#live").textContent()).toBe("Live, tasks are paused");
  });

  test("keeps the head of a task in sight, and nothing shows above it", async () => {
    server.source.put(summary("a"));
    const page = await show({ viewport: { width: 1280, height: 200 } }, "#t=a");
    await page.locator("section.head").waitFor();
    const place = await page.evaluate<object>(`(() => {
      const detail = document.querySelector("#detail");
      detail.scrollTop = 60;
      const { left, top } = detail.getBoundingClientRect();
      const seen = document.elementFromPoint(left + 60, top + 2);
      return {
        scrolled: detail.scrollTop > 0,
        isHead: seen.closest("section.head") !== null,
        border: getComputedStyle(document.querySelector("section.head")).borderTopWidth,
      };
    })()`);
    expect(place).toEqual({ scrolled: true, isHead: true, border: "0px" });
  });

  test("Escape leaves what is typed before it closes the task", async () => {
    server.source.put(summary("a"));
    const page = await show({}, "#t=a");
    await page.locator("[data-key=edit]").click();
    await page.locator("textarea").first().fill("[1]");
    await page.keyboard.press("Escape");
    expect(await page.locator("textarea").first().inputValue()).toBe("[1]");
    await page.keyboard.press("Escape");
    await expect.poll(() => page.locator("task-detail").count()).toBe(0);
  });

  test("shows ten thousand rows in blocks, and holds still while scrolled", async () => {
    server.source.put(...tasksOf(10_000));
    const page = await show();
    await expect
      .poll(async () => {
        await page.evaluate("document.querySelector('.scroller').scrollTop = 1e9");
        return page.locator("[data-id]").count();
      })
      .toBe(10_000);
    // Each fetch begins with the task that the one before ended with, so its last block has a row less.
    expect(await page.locator(".block[role=rowgroup]").count()).toBe(401);
    const before = await page.locator("[data-id]").last().boundingBox();
    server.source.put(summary("new", { changedAt: Date.now() + 1000 }));
    await page.getByRole("button", { name: "1 new" }).waitFor();
    expect(await page.locator("[data-id]").last().boundingBox()).toEqual(before);
  });

  test("has everything in its address", async () => {
    server.source.put(...tasksOf(40));
    const page = await show();
    await page.getByRole("radio", { name: "Failed" }).press("Space");
    await expect.poll(() => page.url()).toContain("#show=failed");
    await page.getByRole("searchbox").fill("shop.report");
    await expect.poll(() => page.locator("[data-id]").count()).toBe(2);
    expect(page.url()).toContain("q=shop.report");
    await page.goBack();
    await expect.poll(() => page.locator("[data-id]").count()).toBe(6);
    expect(await page.getByRole("radio", { name: "Failed" }).isChecked()).toBe(true);
    // Another visit of the same project goes on there.
    await page.goto("about:blank");
    await visit(page);
    await expect.poll(() => page.url()).toContain("#show=failed");
    await expect.poll(() => page.locator("[data-id]").count()).toBe(6);
  });

  test("needs no mouse", async () => {
    server.source.put(...tasksOf(20));
    const page = await show();
    const [first, second] = tasksOf(20).map(({ id }) => id);
    const focused = () => page.evaluate("document.activeElement.dataset.id");
    await page.locator("[data-id]").first().waitFor();
    await page.keyboard.press("j");
    expect(await focused()).toBe(first);
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe(second);
    await page.keyboard.press("k");
    expect(await focused()).toBe(first);
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe(
      "solid",
    );
    await page.keyboard.press("Enter");
    await page.locator("task-detail h2:focus").waitFor();
    expect(page.url()).toContain(`#t=${first}`);
    await page.keyboard.press("Escape");
    expect(await focused()).toBe(first);
    expect(await page.locator("#detail").isHidden()).toBe(true);
    await page.keyboard.press("/");
    await page.keyboard.type("jk4?");
    expect(await page.getByRole("searchbox").inputValue()).toBe("jk4?");
    await page.getByRole("searchbox").fill("");
    await page.keyboard.press("Escape");
    await page.keyboard.press("4");
    await expect.poll(() => page.url()).toContain("show=failed");
    await page.keyboard.press("Control+1");
    expect(page.url()).toContain("show=failed");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
  });

  test("says that it has lost the connection, and comes back with what is true then", async () => {
    server.source.put(summary("old", { state: "running" }));
    const page = await open();
    await visit(page);
    await page.locator("[data-id=old]").waitFor();
    await server.close();
    await page.getByText(/^Disconnected. Last seen at \d\d:/).waitFor();
    server.source.forget();
    server.source.put(summary("new"));
    await server.start();
    await page.locator("[data-id=new]").waitFor();
    expect(await page.locator("[data-id=old]").count()).toBe(0);
    expect(await page.locator("#lost").isHidden()).toBe(true);
    open.forgive(/ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/);
  });

  test("lives in eight tabs by one connection, which the next one takes over", async () => {
    const first = await show();
    const others: Page[] = [];
    for (let count = 1; count < 8; count++) {
      const page = await first.context().newPage();
      await visit(page);
      others.push(page);
    }
    server.source.put(summary("a"));
    await Promise.all([first, ...others].map((page) => page.locator("[data-id=a]").waitFor()));
    const streams = () => server.requests.filter((path) => path.endsWith("/events")).length;
    expect(streams()).toBe(1);
    await first.close();
    await expect.poll(streams).toBe(2);
    server.source.put(summary("b", { changedAt: 2000 }));
    await Promise.all(others.map((page) => page.locator("[data-id=b]").waitFor()));
  });

  test("leads from the last hour to the tasks of a name, and to those that failed", async () => {
    server.source.put(...tasksOf(60));
    server.source.lastHour = badHour();
    const page = await show({}, "#view=hour&lang=en");
    await page.getByRole("link", { name: "shop.charge" }).click();
    await page.locator("[data-id]").first().waitFor();
    expect(page.url()).toContain("#q=shop.charge&lang=en");
    await page.goBack();
    await page
      .getByRole("row", { name: /^shop.charge/ })
      .getByRole("link", { name: "9" })
      .click();
    await expect.poll(() => page.url()).toContain("#show=failed&q=shop.charge&lang=en");
    expect(await page.getByRole("radio", { name: "Failed" }).isChecked()).toBe(true);
  });

  test("says what each state means beside the keys", async () => {
    const page = await show();
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    expect(await dialog.locator("dd").allInnerTexts()).toContain(
      "its delivery failed; the queue gives it again later",
    );
    expect(await dialog.locator("[data-state]").count()).toBe(11);
    expect(await violationsOf(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  });

  test("shows arguments beside a long error", async () => {
    const error = "ConnectionError: ".repeat(40);
    server.source.put(summary("a", { state: "failed", args: "77, day='2026-11-24'", error }));
    const page = await show();
    const [args, bad] = [".args", ".error"].map((part) => page.locator(`[data-id=a] ${part}`));
    const { width = 0 } = (await args?.boundingBox()) ?? {};
    expect(width).toBeGreaterThan(120);
    expect((await bad?.boundingBox())?.width).toBeGreaterThan(200);
  });

  test("listens only while it is seen", async () => {
    const page = await show();
    const turn = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"))`);
    await turn(true);
    await expect.poll(() => server.source.subscribers).toBe(0);
    server.source.put(summary("a"));
    await turn(false);
    await page.locator("[data-id=a]").waitFor();
  });

  test("shows any text as text", async () => {
    server.source.answer = { ...BUSY, title: "<b>shop\u202E" };
    server.source.put(summary("a", HOSTILE), summary("b"));
    const page = await show();
    const row = page.locator("[data-id=a]");
    await row.waitFor();
    const text = await page.locator("body").textContent();
    for (const character of "\0\u001b\u202e") expect(text).not.toContain(character);
    expect(text).toContain('<img src=x onerror="document.title=');
    expect(await page.locator("img, body script").count()).toBe(0);
    expect((await row.boundingBox())?.height).toBe(30);
    expect(await page.title()).toContain("<b>shop");
  });

  test.each([390, 1280])("fits %i pixels, with targets that a finger hits", async (width) => {
    server.source.put(...tasksOf(60));
    const page = await show({ viewport: { width, height: 800 } });
    await page.locator("[data-id]").first().waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    const small =
      await page.evaluate(`[...document.querySelectorAll("button, a, #shows span, #find, summary, [data-id]")]
      .filter((each) => each.checkVisibility())
      .map((each) => [each.textContent.slice(0, 20), each.getBoundingClientRect()])
      .filter(([, { width, height }]) => width < 24 || height < 24)
      .map(([text, { width, height }]) => text + " " + width + "x" + height)`);
    expect(small).toEqual([]);
  });

  test("acts, and says what was done", async () => {
    const page = await show();
    await page.getByRole("button", { name: "Fire the timer nightly now" }).click();
    await page.locator("#said", { hasText: "Sent." }).waitFor();
    expect(server.source.acted).toEqual([{ kind: "fire", timer: "nightly" }]);
    await expect.poll(() => page.url()).toContain("#t=new");
    await page.keyboard.press("p");
    await page.getByText("Paused: no task is started.").waitFor();
    expect(server.source.acted.at(-1)).toEqual({ kind: "pause" });
  });

  test("speaks Russian", async () => {
    const page = await show({ locale: "ru-RU" });
    await page.getByText("Задач пока нет.").waitFor();
    expect(await page.evaluate("document.documentElement.lang")).toBe("ru");
  });
});
