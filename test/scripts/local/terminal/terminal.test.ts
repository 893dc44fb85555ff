import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Happening } from "../../../../packages/local-cloud/events/event.ts";
import { EventStore } from "../../../../packages/local-cloud/events/store.ts";
import { JsonLines } from "../../../../scripts/lib/local/terminal/json-lines.ts";
import { Terminal } from "../../../../scripts/lib/local/terminal/terminal.ts";
import { plain } from "../../../../scripts/lib/shell/style.ts";

const INFO = {
  project: "shop",
  urls: {
    ...{ control: "http://localhost:4510", site: "http://localhost:8000" },
    ...{ queue: "http://q", tables: "http://t" },
  },
  moved: [],
  skipped: [],
};

function open(live: boolean) {
  const output = {
    text: "",
    columns: 60,
    write(text: string) {
      this.text += text;
    },
  };
  const events = new EventStore();
  const terminal = new Terminal({
    ...{ output, live, keys: live, paint: plain, startedAt: Date.now() },
    ...{ roots: [], deliveries: new Map(), queues: new Map() },
  });
  return { output, events, terminal };
}

function runTask(events: EventStore, state = "SUCCESS") {
  const message = { queue: "q", messageId: "m" };
  const task = { id: "t", name: "shop.pay", args: [7], kwargs: {}, retries: 0 };
  const messageIds = ["m"];
  const { report } = events;
  report({ type: "published", ...message, bytes: 1, delaySeconds: 0, task });
  report({ type: "received", ...message, receiveCount: 1, by: "trigger", visibleAt: 0 });
  report({ type: "invoked", trigger: "t", container: "worker", messageIds });
  report({ type: "stored", table: "celery", taskId: "t", state });
  report({ type: "answered", messageIds, status: 200, verdicts: [] });
}

describe("Terminal", () => {
  test("writes nothing but lines where it is no terminal", () => {
    const { output, events, terminal } = open(false);

    terminal.starting(INFO, events);
    const change = { type: "container", container: "web" } as const;
    events.report({ ...change, state: "installing", detail: "django" });
    events.report({ ...change, state: "installing", detail: "celery" });
    terminal.running(1900, ["web"]);
    runTask(events);
    terminal.end();

    expect(output.text).not.toContain("\x1b");
    expect(output.text).not.toContain("\r");
    expect(output.text.split("\n").slice(3)).toEqual([
      "  starting",
      "  web: installing packages, on the first run only",
      "  running without web (1.9 s)",
      "",
      expect.stringMatching(/ok +shop\.pay +7 /),
      "",
    ]);
  });

  test("says on one line that is rewritten what it waits for, and takes the line away", () => {
    const { output, events, terminal } = open(true);

    terminal.starting(INFO, events);
    events.report({ type: "container", container: "web", state: "starting" });
    terminal.note("a line between");
    terminal.running(500, []);
    terminal.end();

    expect(output.text).toContain("q quit\n\r\x1b[K  starting");
    expect(output.text).toContain("\r\x1b[K  a line between\n  starting");
    expect(output.text.endsWith("\r\x1b[K  running (0.5 s)\n\n")).toBe(true);
  });

  test("shows the last lines of a container that crashes", () => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);

    const line = { type: "log", container: "web", level: "info" } as const;
    for (let number = 1; number <= 7; number++)
      events.report({ ...line, message: `line ${number}` });
    events.report({ type: "container", container: "web", state: "crashed", detail: "code 3" });
    terminal.end();

    expect(output.text).toContain("CRASH web  code 3\n         | line 3\n");
    expect(output.text).not.toContain("line 2");
  });

  test("says what a container died of once, first, and without what it printed of it", () => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);
    const line = { type: "log", container: "web", level: "error" } as const;
    const change = { type: "container", container: "web" } as const;
    const crash = (cause: string, detail: string) => {
      events.report({ ...change, state: "starting" });
      events.report({ ...line, message: "Traceback (most recent call last):" });
      events.report({ ...change, state: "crashed", cause, detail });
    };

    crash("KeyError: 'X'  shop/settings.py:12", "code 3; again in 0.5 s");
    crash("KeyError: 'X'  shop/settings.py:12", "code 3; again in 1 s");
    crash("KeyError: 'Y'  shop/settings.py:13", "code 3; again in 2 s");
    terminal.end();

    expect(output.text.split("\n").slice(4)).toEqual([
      expect.stringMatching(
        / CRASH web {2}KeyError: 'X' {2}shop\/settings\.py:12 {2}code 3; again in 0\.5 s$/,
      ),
      expect.stringMatching(
        / CRASH web {2}KeyError: 'Y' {2}shop\/settings\.py:13 {2}code 3; again in 2 s$/,
      ),
      "",
    ]);
  });

  test("shows warnings of a container that starts once it is ready", () => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);
    const change = { type: "container", container: "web" } as const;
    events.report({ ...change, state: "starting" });
    events.report({ type: "log", container: "web", level: "warning", message: "old setting" });
    expect(output.text).not.toContain("old setting");
    events.report({ ...change, state: "ready" });
    terminal.end();

    expect(output.text).toContain("web      | old setting");
  });

  test("cycles through log lines: of failed tasks, warnings, all, none", () => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);

    for (let presses = 0; presses < 4; presses++) terminal.nextLogMode();
    terminal.end();

    expect(output.text.match(/logs: \w+/g)).toEqual([
      "logs: warnings",
      "logs: all",
      "logs: none",
      "logs: failed",
    ]);
  });

  test("waits a moment for log lines that come after the answer", async () => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);

    runTask(events, "FAILURE");
    const line = { type: "log", container: "worker", level: "error", taskId: "t" } as const;
    events.report({ ...line, message: "too late?" });
    while (!output.text.includes("FAIL")) await sleep(20);
    terminal.end();

    expect(output.text).toContain("         | too late?\n");
  });
});

describe("a request that fails", () => {
  const request = {
    type: "request",
    gateway: "g",
    method: "GET",
    path: "/",
    seconds: 0.1,
  } as const;
  const error = { type: "log", container: "web", level: "error" } as const;
  const shownAfter = (...happenings: readonly Happening[]) => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);
    terminal.running(1, []);
    for (const happening of happenings) events.report(happening);
    terminal.end();
    return output.text.split("\n").slice(6, -1);
  };

  test.each([500, 400])("is shown with the errors that the site has logged: %s", (status) => {
    const lines = shownAfter(
      { ...error, message: "before" },
      { ...request, status },
      { ...error, message: "right behind" },
      { ...error, level: "info", message: "no error" },
      { ...error, taskId: "t", message: "a task's" },
    );

    expect(lines).toEqual([
      expect.stringMatching(`GET / ${status}`),
      "         | before",
      "         | right behind",
    ]);
  });

  test("is not shown for a mistake of the browser's", () => {
    expect(shownAfter({ ...request, status: 404 })).toEqual([]);
    expect(shownAfter({ ...error, message: "caught" }, { ...request, status: 200 })).toEqual([]);
  });

  test("has none of the errors of the one before", () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);
    events.report({ ...error, message: "caught" });
    events.report({ ...request, status: 200 });
    vi.runOnlyPendingTimers();
    events.report({ ...request, status: 500 });
    terminal.end();

    expect(output.text).toContain("GET / 500");
    expect(output.text).not.toContain("         | caught");
  });
});

describe("what was reported before anybody looked", () => {
  const refused = { type: "refused", by: "gateway", code: "X", message: "not emulated" } as const;

  test("is shown once to a person", () => {
    const { output, events, terminal } = open(false);
    events.report(refused);
    terminal.starting(INFO, events);
    terminal.end();
    expect(output.text.match(/REFUSED by gateway: not emulated/g)).toHaveLength(1);
  });

  test("is written once for a program", () => {
    const { output, events } = open(false);
    events.report(refused);
    const lines = new JsonLines(output);
    lines.starting(INFO, events);
    lines.end();
    expect(output.text.match(/not emulated/g)).toHaveLength(1);
  });
});

describe("lines that say the same", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const refused = (message: string) =>
    ({ type: "refused", by: "queue", code: "X", message }) as const;
  const said = (text: string) => text.match(/REFUSED.*/g);

  test("are one, and ten seconds later another that says how many there were", () => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);
    for (let count = 0; count < 500; count++) events.report(refused(count % 2 ? "a" : "b"));
    events.report(refused("c"));
    const first = ["REFUSED by queue: b", "REFUSED by queue: a", "REFUSED by queue: c"];
    expect(said(output.text)).toEqual(first);
    vi.advanceTimersByTime(10_000);
    const folded = ["b", "a"].map((name) => `REFUSED by queue: ${name}  (249 more of these)`);
    expect(said(output.text)).toEqual([...first, ...folded]);
    vi.advanceTimersByTime(60_000);
    events.report(refused("a"));
    expect(said(output.text)).toEqual([...first, ...folded, "REFUSED by queue: a"]);
    terminal.end();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("are counted at the end, too", () => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);
    for (let count = 0; count < 3; count++) events.report(refused("a"));
    terminal.end();
    expect(said(output.text)).toEqual([
      "REFUSED by queue: a",
      "REFUSED by queue: a  (2 more of these)",
    ]);
  });

  test("show a crash's last lines once", () => {
    const { output, events, terminal } = open(false);
    terminal.starting(INFO, events);
    for (let count = 0; count < 3; count++) {
      events.report({ type: "log", container: "web", level: "info", message: "why" });
      events.report({ type: "container", container: "web", state: "crashed", detail: "code 3" });
    }
    terminal.end();
    expect(output.text.match(/\| why/g)).toHaveLength(1);
  });
});

describe("JsonLines", () => {
  test("writes an object a line", () => {
    const { output, events } = open(false);
    const lines = new JsonLines(output);

    lines.starting(INFO, events);
    lines.running(1900, []);
    runTask(events, "FAILURE");
    events.report({ type: "container", container: "web", state: "crashed" });
    lines.note("restarted");
    lines.end();

    expect(
      output.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { type: "cloud", state: "starting", urls: { site: "http://localhost:8000" } },
      { type: "cloud", state: "running", seconds: 1.9 },
      { type: "container", state: "crashed" },
      { type: "note", text: "restarted" },
      { type: "task", outcome: "failed", name: "shop.pay", attempt: 1, log: [] },
    ]);
  });
});
