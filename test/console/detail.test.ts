import type { Locator, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { DeadLetterGroup } from "../../packages/console/source.ts";
import { CHROMIUM, violationsOf } from "./_browser.ts";
import { mount, type Shown, useElements } from "./_elements.ts";
import {
  badHour,
  deadGroups,
  detail,
  failedTask,
  hourOf,
  lateTask,
  member,
  overview,
  ran,
  START,
  TRACEBACK,
  waited,
} from "./_example.ts";

describe.skipIf(CHROMIUM === undefined)("in Chromium", () => {
  const show = useElements();

  test("nothing that a task says does anything to the page", async () => {
    const bad = '<img src=x onerror="pwned=1"><script>pwned=1</script>\u001b[31m\u202Egpj.exe';
    const error = { type: bad, message: bad, traceback: bad };
    const task = detail(
      { name: bad, queue: bad, args: [bad], kwargs: { [bad]: bad }, error, result: bad },
      {
        location: bad,
        steps: [ran({ error, container: bad, reason: bad }), waited("queue", START, START, bad)],
        family: [member("a", { name: bad, error: bad }), member("b")],
        notAgain: bad,
      },
    );
    const groups = [{ ...deadGroups()[0], name: bad, queue: bad, error } as DeadLetterGroup];
    const names = [{ name: bad, count: 1, failed: 0, medianMs: 1, p95Ms: 1 }];
    const page = await show(
      [
        [
          "task-detail",
          {
            overview,
            detail: {
              ...task,
              task: { ...task.task, log: [{ at: 0, level: "info", message: bad }] },
            },
          },
        ],
        ["dead-letters", { overview, groups }],
        ["last-hour", { hour: { ...hourOf(() => ({})), names } }],
      ],
      { width: 360 },
    );
    await page.getByRole("button", { name: /^Delete/ }).click();
    const text = String(await page.evaluate("document.querySelector('main').textContent"));
    expect(text.match(/<img src=x/g)?.length).toBeGreaterThan(15);
    for (const sign of ["\u001b", "\u202E"]) expect(text).not.toContain(sign);
    expect(await page.locator("main :is(img, script)").count()).toBe(0);
    expect(await page.evaluate("[typeof pwned, document.documentElement.scrollWidth]")).toEqual([
      "undefined",
      360,
    ]);
  });

  test("a long text is folded, and unfolded with the keyboard whole", async () => {
    const long = "Анна ".repeat(40_000);
    const page = await show([["task-detail", { detail: detail({ kwargs: { letter: long } }) }]]);
    const fold = page.locator("value-tree summary");
    expect((await fold.textContent())?.length).toBeLessThan(100);
    expect(await fold.textContent()).toContain("Text, 351.6 KB");
    await fold.press("Enter");
    expect(await page.locator("value-tree .whole").textContent()).toBe(long);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.className")).toBe("whole");
  });

  test("what is nested deep opens level by level, and from the twentieth on as text", async () => {
    let deep: unknown = "the end";
    for (let level = 0; level < 1000; level += 1) deep = [deep];
    const page = await show([["task-detail", { overview, detail: detail({ args: [deep] }) }]]);
    for (let level = 1; level < 21; level += 1) {
      await expect.poll(() => page.locator("value-tree details").count()).toBe(level);
      await page.locator("value-tree summary").last().press("Enter");
    }
    const rest = `${"[".repeat(981)}"the end"${"]".repeat(981)}`;
    await page.locator("value-tree .whole").waitFor();
    expect(await page.locator("value-tree .whole").textContent()).toBe(rest);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(1280);
    await page.locator("[data-key=edit]").click();
    const all = `${"[".repeat(1001)}"the end"${"]".repeat(1001)}`;
    expect(await page.locator("#edit-args").inputValue()).toBe(all);
  });

  test("of 10,000 items those are made that somebody unfolds", async () => {
    const args = [Array.from({ length: 10_000 }, (_, place) => `item ${place}`)];
    const page = await show([["task-detail", { detail: detail({ args }) }]]);
    await page.locator("value-tree summary").press("Enter");
    await page.locator("summary", { hasText: "9300 … 9399" }).press("Enter");
    await page.getByText('"item 9321"').waitFor();
    expect(await page.locator("value-tree li").count()).toBe(201);
  });

  test("a failed task is corrected and run with the keyboard alone", async () => {
    const shown: Shown = ["task-detail", { overview, detail: failedTask() }];
    const page = await show([shown]);
    await tabTo(page, "Edit and run");
    await page.keyboard.press("Enter");
    expect(await focused(page)).toBe("Arguments, a JSON list");
    await page.keyboard.press("Control+A");
    await page.keyboard.type('[77,\n {"name": Anna}]');
    await page.keyboard.press("Control+Enter");
    const problem = page.locator("#problem-args");
    expect(await problem.textContent()).toContain("Line 2, column 11: a value is missing");
    expect(await page.evaluate("document.activeElement.selectionStart")).toBe(15);
    expect(await told(page)).toEqual([]);
    // The cursor is where the mistake is: it is selected, and typed over.
    await page.keyboard.type('"A');
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.type('"');
    await page.keyboard.press("Control+Enter");
    const args = [77, { name: "Anna" }];
    const kwargs = { day: "2026-11-24", dry_run: false, note: null };
    const run = ["console-action", { kind: "run", id: failedTask().task.id, args, kwargs }];
    expect(await told(page)).toEqual([run]);
    expect(await problem.textContent()).toBe("");
    // The run has failed, and something else changes: what was typed is still there, to be run again.
    await mount(page, ["task-detail", { detail: { ...failedTask(), notAgain: "Paused" } }]);
    await mount(page, shown);
    await page.keyboard.press("Control+Enter");
    expect(await told(page)).toEqual([run, run]);
    await tabTo(page, "Cancel");
    await page.keyboard.press("Enter");
    expect(await focused(page)).toBe("Edit and run");
    expect(await page.locator("task-editor").count()).toBe(0);
  });

  test.each([
    ["args", "{}", "This must be a list: [ ]"],
    ["kwargs", "[]", "This must be an object: { }"],
    ["kwargs", '{"id": 9007199254740993}', "Line 1, column 8: this number is too large"],
    ["args", "[1", "Line 1, column 3: a comma or ] is missing"],
  ])("refuses as %s: %s", async (name, text, message) => {
    const page = await show([["task-detail", { overview, detail: failedTask() }]]);
    await page.locator("[data-key=edit]").click();
    await page.locator(`#edit-${name}`).fill(text);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    expect(await page.locator(`#problem-${name}`).textContent()).toContain(message);
    expect(await page.locator(`#edit-${name}`).getAttribute("aria-invalid")).toBe("true");
    expect(await told(page)).toEqual([]);
  });

  test("runs again once, whoever clicks twice", async () => {
    const page = await show([["task-detail", { overview, detail: failedTask() }]]);
    await page.getByRole("button", { name: "Run again" }).dblclick();
    expect(await told(page)).toEqual([
      ["console-action", { kind: "again", id: failedTask().task.id }],
    ]);
  });

  test("another task closes the editor; one that is not known is said to be so", async () => {
    const page = await show([["task-detail", { overview, detail: failedTask() }]]);
    await page.locator("[data-key=edit]").click();
    await mount(page, ["task-detail", { detail: lateTask() }]);
    expect(await page.locator("task-editor").count()).toBe(0);
    await page.evaluate("document.querySelector('task-detail').detail = undefined");
    expect(await textOf(page.locator("task-detail"))).toBe(
      "← All tasks\n\nThis task is not known, or no longer kept.",
    );
  });

  test("offers no action that is not allowed, and says why", async () => {
    const reader = { ...overview, actions: [] };
    const page = await show([
      ["task-detail", { overview: reader, detail: failedTask() }],
      ["dead-letters", { overview: reader, groups: deadGroups() }],
    ]);
    const why = "Nothing can be changed here: open the page with --act.";
    expect(await page.getByText(why).count()).toBe(2);
    expect(await page.getByRole("button", { name: /^(Run|Edit|Send|Delete)/ }).count()).toBe(0);
    await mount(page, [
      "task-detail",
      { overview, detail: { ...failedTask(), notAgain: "Its message is gone." } },
    ]);
    expect(await textOf(page.locator("section.actions"))).toBe("Its message is gone.");
  });

  test("what changes leaves folds and focus where they are", async () => {
    const page = await show([["task-detail", { overview, detail: failedTask() }]]);
    await page.locator("[data-key='traceback summary']").press("Enter");
    await page.locator("value-tree summary").first().press("Enter");
    await page.getByRole("link", { name: "shop.mail" }).focus();
    const changed = failedTask();
    const error = { type: "ConnectionError", message: "again", traceback: TRACEBACK };
    const family = changed.family.map((some) => ({ ...some, runMs: 400 }));
    await mount(page, [
      "task-detail",
      { detail: { ...changed, family, task: { ...changed.task, error } } },
    ]);
    expect(await page.locator("section.failure").textContent()).toContain("ConnectionError: again");
    expect(await page.locator("section.family").textContent()).toContain("400 ms");
    expect(await page.locator("[data-key=traceback]").getAttribute("open")).toBeNull();
    expect(await page.locator("value-tree details").first().getAttribute("open")).toBeNull();
    expect(await focused(page)).toBe("shop.mail");
  });

  test("says why a task waits, which field decides it, and that it may run twice", async () => {
    const page = await show([["task-detail", { detail: lateTask() }]], { lang: "ru" });
    expect(await textOf(page.locator("section.waiting"))).toBe(
      [
        "Почему ждёт",
        "контейнер был занят другими задачами",
        "задаёт worker.maxInstances, worker.concurrency в config.ts",
        "Может выполниться дважды: это дольше, чем очередь скрывает сообщение.",
        "до 24 нояб., 12:04:58",
      ].join("\n"),
    );
  });

  test("tells the story step by step, with a labelled break for a long wait", async () => {
    const page = await show([["task-detail", { detail: failedTask() }]]);
    expect(await textOf(page.locator("task-story .bar"))).toBe("30 s");
    expect((await textOf(page.locator("task-story ol"))).split("\n")).toEqual([
      "12:03:58",
      "Sent to the queue jobs",
      "12:03:58",
      "Waited 200 ms: in the queue until it is taken",
      "decided by worker.concurrency in config.ts",
      "12:03:58",
      "Attempt 1 in worker took 900 ms · answer 503 · retry_later: requeued",
      "ConnectionError: bank timeout",
      "12:03:59",
      expect.stringContaining("Waited 30 s: its delivery failed"),
      "decided by queue.visibilityTimeout in config.ts",
      "12:04:29",
      "Attempt 2 in worker took 900 ms · answer 503 · dead: rejected · delivery 2 of this message",
      "ConnectionError: bank timeout",
      "shop/tasks.py:77",
      "12:04:30",
      "Ended: dead letter",
    ]);
  });

  test("says how long a task has been running, and goes on counting", async () => {
    const running = detail({ state: "running" }, { steps: [ran({})] });
    const page = await show([["task-detail", { detail: running }]], { now: START + 5000 });
    const story = page.locator("task-story ol");
    expect(await story.textContent()).toContain("running for 5 s");
    await page.clock.runFor(3000);
    expect(await story.textContent()).toContain("running for 8 s");
  });

  test("shows the family as a tree, and names what keeps a chord from its end", async () => {
    const page = await show([["task-detail", { detail: failedTask() }]]);
    const family = page.locator("section.family");
    expect(
      (await family.locator("li").allInnerTexts()).map((text) => text.replace(/\s+/g, " ")),
    ).toEqual([
      "shop.checkout ok 300 ms",
      "Group of 2 tasks: 1 ok, 1 failed, 0 not ended Stuck: the end of a chord starts only when the whole group is ok, and shop.charge is not: dead letter. 3f2c8d1e",
      "shop.charge (this task) dead letter 300 ms",
      "shop.mail ok 300 ms",
      "↳ shop.report waiting 300 ms",
    ]);
    const link = family.getByRole("link", { name: "shop.mail" });
    expect(await link.getAttribute("href")).toBe("./#t=b&show=failed&lang=en");
    await link.press("Enter");
    await page.getByRole("link", { name: "All tasks" }).press("Enter");
    expect(await told(page)).toEqual([
      ["console-select", { id: "b" }],
      ["console-close", null],
    ]);
  });

  test("shows a part of a very large family, and how much more there is", async () => {
    const family = Array.from({ length: 300 }, (_, place) => member(`t${place}`));
    const page = await show([["task-detail", { detail: detail({}, { family }) }]]);
    expect(await page.locator("section.family li").count()).toBe(200);
    expect(await page.locator("section.family").textContent()).toContain("and 100 more");
  });

  test("shows the frames of others in a traceback less, and leaves its text as it is", async () => {
    const page = await show([["task-detail", { overview, detail: failedTask() }]]);
    const frames = page.locator("[data-key=traceback] pre");
    expect(await frames.textContent()).toBe(TRACEBACK);
    expect(await frames.locator(".muted").allTextContents()).toEqual([
      [
        '  File "/app/.venv/lib/python3.12/site-packages/celery/app/trace.py", line 453, in trace_task',
        "    R = retval = fun(*args, **kwargs)",
      ].join("\n"),
    ]);
  });

  test("shows a traceback of others that has no end as it is", async () => {
    const traceback = `Traceback:\n  File "${"/lib/python3/site-packages".repeat(20_000)}`;
    const error = { type: "E", message: "", traceback };
    const task = detail({ state: "failed", error });
    const page = await show([["task-detail", { overview, detail: task }]]);
    expect(await page.locator("[data-key=traceback] pre").textContent()).toBe(traceback);
  });

  test("leads from a task that was sent again to the one before", async () => {
    const { task, ...rest } = failedTask();
    const again = { ...rest, task: { ...task, repeatsId: "0a1b2c3d-first" } };
    const page = await show([["task-detail", { detail: again }]]);
    await page.getByText("Repeats task").getByRole("link", { name: "0a1b2c3d" }).click();
    expect(await page.evaluate("told")).toEqual([["console-select", { id: "0a1b2c3d-first" }]]);
  });

  test("copies id, arguments, result and traceback as they are", async () => {
    const page = await show([["task-detail", { detail: failedTask() }]]);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const { task } = failedTask();
    const wanted: [string, string][] = [
      ["Copy the id", task.id],
      ["Copy the arguments", JSON.stringify({ args: task.args, kwargs: task.kwargs }, null, 2)],
      ["Copy the result", JSON.stringify(task.result, null, 2)],
      ["Copy the traceback", TRACEBACK],
    ];
    for (const [name, text] of wanted) {
      await page.getByRole("button", { name }).click();
      await page.getByRole("button", { name }).getByText("Copied").waitFor();
      expect(await page.evaluate("navigator.clipboard.readText()")).toBe(text);
    }
  });

  test("says when the browser does not let it copy", async () => {
    const page = await show([["task-detail", { detail: failedTask() }]]);
    await page.evaluate("navigator.clipboard.writeText = async () => { throw new Error('no') }");
    await page.getByRole("button", { name: "Copy the id" }).click();
    await page.getByText("Not allowed to copy").waitFor();
    await page.evaluate("delete navigator.clipboard.writeText");
  });

  test("sends a group of dead letters back, and deletes one only when that is confirmed", async () => {
    const page = await show([["dead-letters", { overview, groups: deadGroups() }]]);
    await page
      .getByRole("button", { name: "Send back to the queue: 1 message, shop.mail" })
      .click();
    const remove = page.getByRole("button", { name: "Delete: 120 messages, shop.charge" });
    await remove.press("Enter");
    const dialog = page.getByRole("dialog", {
      name: "Delete 120 messages of shop.charge for good?",
    });
    expect(await focused(page)).toBe("Cancel");
    expect(await violationsOf(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await remove.press("Enter");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    const sent = ["console-action", { kind: "redrive", messageIds: ["m-mail-0"] }];
    expect(await told(page)).toEqual([sent]);
    expect(await focused(page)).toBe("Delete: 120 messages, shop.charge");
    await remove.press("Enter");
    // Others come and go meanwhile: those are deleted that were asked about.
    await mount(page, ["dead-letters", { groups: [] }]);
    await dialog.getByRole("button", { name: "Delete" }).click();
    await dialog.waitFor({ state: "hidden" });
    const messageIds = deadGroups()[0]?.letters.map(({ messageId }) => messageId);
    // A dialog tells that it has closed a moment after it has.
    await expect
      .poll(() => told(page))
      .toEqual([sent, ["console-action", { kind: "delete", messageIds }]]);
  });

  test("says that arguments are not known, and that no error was recorded", async () => {
    const { task, ...rest } = failedTask();
    const bare = { ...rest, task: { ...task, args: [], kwargs: {} }, areArgumentsUnknown: true };
    const groups = [{ ...deadGroups()[0], error: { type: "", message: "" } } as DeadLetterGroup];
    const page = await show([
      ["task-detail", { detail: bare }],
      ["dead-letters", { overview, groups }],
    ]);
    expect(await textOf(page.locator("section.arguments"))).toContain("not known");
    expect(await textOf(page.getByRole("article"))).toContain("No error was recorded.");
  });

  test("groups dead letters with error, count, age and their tasks", async () => {
    const page = await show([["dead-letters", { overview, groups: deadGroups() }]]);
    const group = page.getByRole("article", { name: "120 messages, shop.charge" });
    expect(await textOf(group)).toMatch(
      /^shop\.charge 120 messages\s+ConnectionError: bank timeout\s+jobs · oldest .+ ago, 24 Nov, 12:03:58/,
    );
    await group.getByText("Which tasks").press("Enter");
    expect(await group.getByRole("link").count()).toBe(100);
    expect(await group.getByText("and 20 more").count()).toBe(1);
    await mount(page, ["dead-letters", { groups: deadGroups().reverse() }]);
    expect(await group.getByRole("link").count()).toBe(100);
    await group.getByRole("link").first().click();
    expect(await told(page)).toEqual([["console-select", { id: "t-charge-0" }]]);
  });

  test("draws the last hour, and says all of it in words and figures", async () => {
    const page = await show([["last-hour", { hour: badHour() }]]);
    expect(await textOf(page.locator(".verdict.bad"))).toBe(
      "3 tasks have failed in the last ten minutes.",
    );
    for (const name of [
      "Waiting: 12 in the last minute, most 15 at 11:44",
      "Running: 2 in the last minute, most 2 at 12:02",
      "Failed: 9 in all, most 3 at 11:57",
    ]) {
      const chart = page.getByRole("img", { name });
      expect(await chart.locator("rect").count()).toBe(60);
    }
    expect(await page.locator("svg.failed rect:not(.none)").count()).toBe(3);
    expect(await page.locator("svg.failed rect title").nth(54).textContent()).toBe(
      "11:57: 5 waiting, 2 running, 3 failed",
    );
    await page.getByText("As a table").press("Enter");
    await mount(page, ["last-hour", { hour: badHour() }]);
    expect(await page.getByRole("row", { name: "11:57 5 2 3" }).count()).toBe(1);
    expect(await page.getByRole("row", { name: "shop.charge 213 9 600 ms 41 s" }).count()).toBe(1);
    await mount(page, ["last-hour", { hour: hourOf(() => ({})) }]);
    expect(await page.getByRole("img", { name: "Failed: none" }).count()).toBe(1);
    expect(await textOf(page.locator(".verdict.quiet"))).toBe("Nothing happened in the last hour.");
  });
});

/** What the elements have told main.js. */
function told(page: Page): Promise<unknown> {
  return page.evaluate("told");
}

/** What of it can be read, line by line. */
async function textOf(locator: Locator): Promise<string> {
  return (await locator.allInnerTexts()).join();
}

/** Name of what has the focus. */
function focused(page: Page): Promise<unknown> {
  return page.evaluate(
    "((element) => element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent)(document.activeElement)",
  );
}

/** Presses Tab until something of that name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 50; presses += 1) {
    if ((await focused(page)) === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${name}`);
}
