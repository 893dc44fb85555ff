import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Action, Overview, TaskDetail, TaskList } from "../../packages/console/source.ts";
import type { StoredLogEntry } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { CHROMIUM, useBrowser, violationsOf } from "../console/_browser.ts";
import { celery } from "../scripts/queue/_world.ts";
import { newProject, type Project } from "../support/project.ts";
import { workerEntry } from "../support/worker-entry.ts";

const MINUTE_MS = 60_000;
const MANY = 10_000;
/** A thousand lines with it are more than the service answers with: 3.5 MiB. */
const LONG = "я".repeat(2500);
// The stand-in of `yc` takes a second for each of some thirty calls, and more where others work beside it.
const PATIENCE = { timeout: 280_000, interval: 200 };

describeTerraform("the page of a deployed stage", () => {
  let project: Project;
  let worker: string;
  let page: Page | undefined;

  beforeAll(async () => {
    project = await newProject();
    const deploy = await project.npm("deploy");
    expect(deploy.code, deploy.output).toBe(0);
    const { containers } = project.cloud();
    [worker = ""] = Object.keys(containers).filter((id) => containers[id]?.name === "shop-worker");
  });
  afterEach(() => page?.close());
  afterAll(() => project.close());

  /** The worker's line of a message. */
  function line(minutesAgo: number, payload: object): StoredLogEntry {
    const entry = workerEntry(Date.now() - minutesAgo * MINUTE_MS, payload);
    const resource = { type: "serverless.container", id: worker };
    return { ...entry, resource, saved_at: entry.timestamp };
  }

  function write(lines: readonly StoredLogEntry[], isNew = false): void {
    project.change((cloud) => {
      const [group = ""] = Object.keys(cloud.others.yandex_logging_group ?? {});
      cloud.logs = { [group]: [...(isNew ? [] : (cloud.logs?.[group] ?? [])), ...lines] };
    });
  }

  async function open(...flags: string[]): Promise<Page> {
    page = new Page(project, ["--port", "0", ...flags]);
    await page.start();
    return page;
  }

  test(`shows ${MANY} tasks, over many pages in any order, each once, and what comes, late and twice`, async () => {
    const lines = Array.from({ length: MANY }, (_, number) =>
      line(1.5 + (50 * number) / MANY, {
        ...{ task_id: `t${number}`, task_name: "shop.pay" },
        ...(number < 1000 && { problem: LONG }),
      }),
    );
    write([...lines, ...lines.slice(0, 100)], true);
    const { get, until, events } = await open();

    const counted = await until(({ counts }) => counts.all === MANY);
    expect(counted).toMatchObject({ source: "stage", actions: [], title: "shop" });
    const { tasks } = await get<TaskList>(`tasks?limit=${MANY}`);
    expect(tasks.map(({ id }) => id)).toEqual(Array.from({ length: MANY }, (_, n) => `t${n}`));
    expect(tasks.every(({ attempts, state }) => attempts === 1 && state === "ok")).toBe(true);

    const stream = await events();
    const late = line(0.5, { task_id: "late", task_name: "shop.mail", state: "FAILURE" });
    write([late, late, line(0, { task_id: "new", task_name: "shop.mail" })]);
    await expect.poll(() => stream.text(), PATIENCE).toContain('"id":"late"');
    await expect.poll(() => stream.text(), PATIENCE).toContain('"id":"new"');
    expect((await get<TaskDetail>("tasks/late")).task.attempts).toHaveLength(1);
    expect((await get<TaskList>("tasks?show=failed")).tasks).toMatchObject([{ id: "late" }]);
  });

  describe("with tasks and dead letters", () => {
    const queues = () => project.http.messages.queues;

    beforeAll(async () => {
      // The queues come to the HTTP side with the first request.
      await project.npm("verify");
      const failing = { outcome: "retry_later", state: undefined, receive_count: 10 };
      for (const name of queues().names) queues().purge(name);
      const { messageId } = queues().send("shop-tasks-dead", {
        body: celery("shop.charge", [77], "c1"),
        attributes: {},
      });
      write(
        [
          line(20, { task_id: "t1", task_name: "shop.pay", args: "(1,)", kwargs: "{}" }),
          line(10, { task_id: "c1", task_name: "shop.charge", message_id: messageId, ...failing }),
        ],
        true,
      );
    });

    test("shows them without a receive, and nothing can be done", async () => {
      const { get, act, until } = await open();

      const overview = await until(({ counts }) => counts.all === 2);
      expect(overview).toMatchObject({
        ...{ counts: { all: 2, waiting: 1, failed: 1, dead: 0 }, paused: false },
        queues: [{ name: "default", waiting: 0, dead: 1 }],
      });
      expect((await get<TaskDetail>("tasks/c1")).task.state).toBe("hidden");
      for (const kind of ["pause", "resume"] as const) {
        expect(await act({ kind })).toMatchObject({ status: 403 });
      }
      expect(queues().peek("shop-tasks-dead")).toMatchObject([{ receiveCount: 0 }]);
    });

    test("acts where it may: the dead letter is seen, run again, sent back; triggers pause", async () => {
      const { get, act, until } = await open("--act");
      await until(({ counts }) => counts.all === 2);

      const { groups } = await get<{ groups: { letters: { messageId: string }[] }[] }>(
        "dead-letters",
      );
      const [messageId = ""] = groups.flatMap(({ letters }) => letters.map((it) => it.messageId));
      expect((await get<TaskDetail>("tasks/c1")).task).toMatchObject({ state: "dead", args: [77] });

      expect(await act({ kind: "again", id: "c1" })).toMatchObject({ status: 200 });
      expect(await act({ kind: "again", id: "t1" })).toMatchObject({ status: 200 });
      expect(queues().peek("shop-tasks")).toHaveLength(2);
      expect(await act({ kind: "redrive", messageIds: [messageId] })).toEqual({
        ...{ status: 200, message: "1 dead letter sent back." },
      });
      expect(queues().peek("shop-tasks-dead")).toEqual([]);
      expect(queues().peek("shop-tasks")).toHaveLength(3);

      expect(await act({ kind: "pause" })).toMatchObject({ status: 200 });
      const { triggers } = project.cloud();
      expect(Object.values(triggers).map(({ status }) => status)).toEqual(["PAUSED"]);
      await until(({ paused }) => paused);
      expect(await act({ kind: "resume" })).toMatchObject({ status: 200 });
      expect(await act({ kind: "step" })).toMatchObject({ status: 403 });
    });

    test("ends by Ctrl-C, quietly, with an open stream; foreign pages are refused", async () => {
      const { url, events, end, stdout } = await open();
      await events();

      const home = await fetch(url);
      expect(home.headers.get("content-type")).toContain("text/html");
      const foreign = await fetch(`${url}api/console`, {
        headers: { origin: "https://evil.example" },
      });
      expect(foreign.status).toBe(403);
      expect(await end()).toBe(0);
      expect(stdout()).toBe(`${url}\n`);
    });
  });

  describe.skipIf(CHROMIUM === undefined)("in a browser", () => {
    const openBrowser = useBrowser();

    test.each(["light", "dark"] as const)(
      "is the local one, and without --act nothing in it acts: %s",
      async (colorScheme) => {
        const { url, until } = await open();
        await until(({ counts }) => counts.all > 0);
        const browser = await openBrowser({ colorScheme });
        await browser.goto(`${url}#show=failed`);

        await browser.locator("[data-id=c1]").click();
        await browser.locator("task-detail h2").waitFor();
        expect(
          await browser.getByRole("button", { name: /again|edit|send back|pause|delete/i }).all(),
        ).toEqual([]);
        if (process.env.SCREENSHOTS)
          await browser.screenshot({ path: `${process.env.SCREENSHOTS}/stage-${colorScheme}.png` });
        expect(await violationsOf(browser)).toEqual([]);
      },
    );
  });

  describe("whose log nobody may read", () => {
    beforeAll(() =>
      project.change(({ faults }) => {
        faults.logging = "denied";
      }),
    );

    test("ends, and names the role", async () => {
      const opened = await project.npm("open", ["--port", "0"]);
      expect(opened.code).toBe(1);
      expect(opened.stderr).toContain("Reading logs takes the role logging.reader.\n");
    });
  });
});

/** The command while it runs, and its page's API. */
class Page {
  url = "";
  private readonly child: ChildProcess;
  private readonly closed: Promise<unknown[]>;
  private readonly texts = { stdout: "", stderr: "" };
  private readonly leave = new AbortController();

  constructor(project: Project, flags: readonly string[]) {
    this.child = spawn(process.execPath, ["run.mjs", "scripts/open.ts", ...flags], {
      ...{ cwd: project.dir, env: project.env, stdio: ["ignore", "pipe", "pipe"] },
    });
    this.closed = once(this.child, "close");
    for (const name of ["stdout", "stderr"] as const) {
      this.child[name]?.setEncoding("utf8").on("data", (text: string) => {
        this.texts[name] += text;
      });
    }
  }

  async start(): Promise<void> {
    await expect
      .poll(() => this.texts.stdout || this.texts.stderr, PATIENCE)
      .toMatch(/^http:\/\/localhost:\d+\/\n$/);
    this.url = this.texts.stdout.trim();
  }

  readonly stdout = () => this.texts.stdout;

  readonly get = async <T>(path: string): Promise<T> =>
    (await (await fetch(`${this.url}api/console/${path}`)).json()) as T;

  readonly until = async (wanted: (overview: Overview) => boolean): Promise<Overview> => {
    let overview: Overview | undefined;
    const isReached = async () => {
      overview = (await (await fetch(`${this.url}api/console`)).json()) as Overview;
      return wanted(overview);
    };
    await expect.poll(isReached, PATIENCE).toBe(true);
    return overview as Overview;
  };

  readonly act = async (action: Action): Promise<object> => {
    const response = await fetch(`${this.url}api/console/actions`, {
      ...{ method: "POST", body: JSON.stringify(action) },
      headers: { "content-type": "application/json" },
    });
    return { status: response.status, ...((await response.json()) as object) };
  };

  readonly events = async () => {
    const { signal } = this.leave;
    const { body } = await fetch(`${this.url}api/console/events`, { signal });
    let text = "";
    const read = async () => {
      for await (const chunk of body ?? []) text += Buffer.from(chunk).toString();
    };
    void read().catch(() => {});
    return { text: () => text };
  };

  readonly end = async (): Promise<unknown> => {
    this.child.kill("SIGINT");
    const [code] = await this.closed;
    return code;
  };

  async close(): Promise<void> {
    this.leave.abort();
    if (this.child.exitCode === null) await this.end();
  }
}
