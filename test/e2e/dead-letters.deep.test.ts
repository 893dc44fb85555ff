import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { xml } from "../cloud/http/service.ts";
import type { Interference } from "../cloud/http.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { celery } from "../scripts/queue/_world.ts";
import { newProject, type Project } from "../support/project.ts";

const QUEUES = "queues: { heavy: {} },";
const HOUR = 3600;
const NASTY = "<b>&amp; \"'\r\n &#13; ]]> 🐶 Анна";
const ATTRIBUTES = {
  text: { dataType: "String", stringValue: NASTY },
  bytes: { dataType: "Binary", binaryValue: "AP8NCg==" },
};
const BODIES = [
  ...Array.from({ length: 12 }, (_, number) => celery("shop.charge", [number], `c${number}`)),
  celery("shop.mail", [NASTY], "m1"),
  NASTY,
];

describeTerraform("dead letters of a stage", () => {
  let project: Project;

  const queues = () => project.http.messages.queues;
  const bodies = (queue: string) =>
    queues()
      .peek(queue)
      .map(({ body }) => body)
      .sort();
  const shapes = (queue: string) =>
    queues()
      .peek(queue)
      .map(({ body, attributes }) => JSON.stringify({ body, attributes }))
      .sort();
  const letters = (...args: string[]) => project.npm("dead-letters", args);
  const refill = () => {
    for (const name of queues().names) queues().purge(name);
    for (const body of BODIES) queues().send("shop-tasks-dead", { body, attributes: ATTRIBUTES });
    queues().send("shop-tasks-heavy-dead", { body: celery("shop.video", [], "v1") });
  };
  /** All of both queues' letters are there, nowhere else, and none more than twice. */
  const expectWhole = () => {
    const there = [...bodies("shop-tasks"), ...bodies("shop-tasks-dead")];
    expect([...new Set(there)].sort()).toEqual([...BODIES].sort());
    for (const body of BODIES) {
      expect(there.filter((it) => it === body).length, body).toBeLessThanOrEqual(2);
    }
  };

  beforeAll(async () => {
    project = await newProject(QUEUES);
    const deploy = await project.npm("deploy");
    expect(deploy.code, deploy.output).toBe(0);
    // The queues come to the HTTP side with the first request.
    await project.npm("verify");
    project.change(({ tables }) => {
      const [table] = Object.values(tables);
      const result = (error: string) => ({
        status: "FAILURE",
        result: { exc_type: error, exc_message: ["bank"] },
      });
      if (table) {
        table.items = Object.fromEntries(
          Array.from({ length: 12 }, (_, number) => {
            const id = { S: `b'celery-task-meta-c${number}'` };
            const text = JSON.stringify(result(number < 10 ? "ConnectionError" : "KeyError"));
            return [
              JSON.stringify({ id }),
              { id, result: { B: Buffer.from(text).toString("base64") } },
            ];
          }),
        );
      }
    });
  });
  beforeEach(() => {
    project.http.interfere = () => undefined;
    project.http.messages.pass(HOUR);
    refill();
  });
  afterAll(() => project.close());

  test("are listed by task and error, and only their receive counts change", async () => {
    const before = shapes("shop-tasks-dead");

    const list = await letters();
    const json = await letters("--json", "--queue", "heavy");

    expect(list.stdout).toMatch(
      /shop\.charge {2}ConnectionError: bank\n {2}10 of queue default, the oldest \d+ s old\n {2}c0 /,
    );
    expect(list.stdout).toMatch(/shop\.charge {2}KeyError: bank\n {2}2 of queue default/);
    expect(list.stdout).toMatch(/shop\.mail {2}no result recorded\n {2}1 of queue default/);
    expect(list.stdout).toMatch(/shop\.video {2}no result recorded\n {2}1 of queue heavy/);
    expect(list.stdout).not.toContain("\r");
    expect(list.stderr).toMatch(/^15 dead letters\. Looking has raised their receive counts/);
    expect(list.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({ queue: "heavy", task: { id: "v1" } });
    expect(shapes("shop-tasks-dead")).toEqual(before);
    expect(queues().counts("shop-tasks-dead")).toEqual({ waiting: 14, inFlight: 0, delayed: 0 });
    expect(
      new Set(
        queues()
          .peek("shop-tasks-dead")
          .map((it) => it.receiveCount),
      ),
    ).toEqual(new Set([1]));
  });

  test("are dead tasks for a list that asks for them, and for the story of one", async () => {
    const all = await project.npm("tasks", ["--failed", "--json"]);
    expect(all).toMatchObject({ code: 0, stdout: "" });
    expect(queues().peek("shop-tasks-dead")[0]?.receiveCount).toBe(0);

    const dead = await project.npm("tasks", ["--failed", "--dead", "--json"]);
    const story = await project.npm("task", ["v1"]);

    const states = dead.stdout
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text).state);
    expect(states).toEqual(Array(15).fill("dead"));
    expect(dead.stderr).toMatch(/^Looking has raised their receive counts/);
    expect(story.stdout).toMatch(/^shop\.video {2}v1\n {2}state +dead\n/);
    expect(story.stderr).toMatch(/^Looked for its dead letter\. Looking has raised/);
    expect(queues().counts("shop-tasks-dead")).toEqual({ waiting: 14, inFlight: 0, delayed: 0 });
  });

  test("are sent back byte by byte; an id that is not there is named", async () => {
    const before = shapes("shop-tasks-dead");

    const one = await letters("redrive", "c3", "nobody");
    const mail = await letters("redrive", "--name", "shop.mail", "--to", "heavy");
    const rest = await letters("redrive", "--all", "--queue", "default");

    expect(one).toMatchObject({
      code: 1,
      stdout: "1 dead letter sent back.\n",
      stderr: "No dead letter has the id nobody.\n",
    });
    expect(mail).toMatchObject({ code: 0, stdout: "1 dead letter sent back.\n" });
    expect(rest).toMatchObject({ code: 0, stdout: "12 dead letters sent back.\n" });
    expect([...shapes("shop-tasks"), ...shapes("shop-tasks-heavy")].sort()).toEqual(before);
    expect(bodies("shop-tasks-heavy-dead")).toHaveLength(1);
  });

  test("are saved, deleted, and sent from the file as they were", async () => {
    const before = shapes("shop-tasks-dead");

    const save = await letters("save", "letters.jsonl");
    const second = await letters("save", "letters.jsonl");
    const purge = await letters("purge", "--all", "--yes");
    const send = await letters("redrive", "--from", "letters.jsonl");

    expect(save).toMatchObject({ code: 0, stdout: "15 dead letters saved to letters.jsonl.\n" });
    expect(second).toMatchObject({ code: 1 });
    expect(purge.code, purge.output).toBe(0);
    expect(send).toMatchObject({ code: 0, stdout: "15 dead letters of letters.jsonl sent.\n" });
    expect(readFileSync(join(project.dir, "letters.jsonl"), "utf8").split("\n")).toHaveLength(16);
    expect(shapes("shop-tasks")).toEqual(before);
    expect(bodies("shop-tasks-dead")).toEqual([]);
    expect(bodies("shop-tasks-heavy-dead")).toEqual([]);
  });

  test.each(["before", "after"] as const)(
    "lose nothing by a redrive that is killed %s any request has acted, and the next one ends it",
    async (phase) => {
      let kills = 0;
      for (let at = 0; ; at += 1) {
        refill();
        const redrive = project.begin("dead-letters", ["redrive", "--name", "shop.charge"]);
        project.http.interfere = interfereAt(at, phase, () => {
          redrive.kill();
          return "cut";
        });
        const killed = await redrive.answer;
        project.http.interfere = () => undefined;
        expectWhole();
        if (killed.code === 0) break;
        kills += 1;
        project.http.messages.pass(HOUR);

        const next = await letters("redrive", "--all");

        expect(next.code, next.output).toBe(0);
        expectWhole();
        expect(bodies("shop-tasks-dead")).toEqual([]);
      }
      expect(kills).toBeGreaterThan(8);
    },
  );

  test.each(["throttled", "failed", "cut"] as const)(
    "lose nothing by a request that is %s after it has acted, and who fails says what to do",
    async (by) => {
      for (let at = 0; ; at += 1) {
        refill();
        let asked = 0;
        const refuse = interfereAt(at, by === "throttled" ? "before" : "after", () => {
          asked += 1;
          if (by === "cut") return "cut";
          const code = by === "throttled" ? "ThrottlingException" : "InternalFailure";
          return xml(by === "throttled" ? 403 : 500, `<R><Error><Code>${code}</Code></Error></R>`);
        });
        project.http.interfere = refuse;

        const redrive = await letters("redrive", "--all", "--queue", "default");

        project.http.interfere = () => undefined;
        expectWhole();
        if (asked === 0) break;
        if (redrive.code !== 0) {
          expect(redrive.stderr).toMatch(/Perhaps queue default has|could not be looked at/);
          project.http.messages.pass(HOUR);
          const next = await letters("redrive", "--all");
          expect(next.code, next.output).toBe(0);
        }
        expectWhole();
        expect(bodies("shop-tasks-dead")).toEqual([]);
      }
    },
  );

  test("are given back by a look that Ctrl-C ends", async () => {
    const look = project.begin("dead-letters");
    project.http.interfere = interfereAt(2, "after", () => {
      look.kill("SIGINT");
      return undefined;
    });

    const stopped = await look.answer;

    expect(stopped.stderr).toContain("Interrupted.");
    expect(stopped.code).not.toBe(0);
    expect(queues().counts("shop-tasks-dead")).toEqual({ waiting: 14, inFlight: 0, delayed: 0 });
  });
});

describeTerraform("a drain", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject();
    const deploy = await project.npm("deploy");
    expect(deploy.code, deploy.output).toBe(0);
  });
  afterAll(() => project.close());

  const status = () => Object.values(project.cloud().triggers).map((trigger) => trigger.status);

  test("pauses the triggers, and gives up where something stays in flight", async () => {
    const first = await project.npm("drain", ["--timeout", "0s"]);
    const { queues } = project.http.messages;
    queues.send("shop-tasks", { body: "a" });
    await queues.receive("shop-tasks", { max: 1, waitSeconds: 0, by: "trigger" });
    const second = await project.npm("drain", ["--timeout", "3s"]);

    expect(first.stdout).toContain("pause shop-tasks\n");
    expect(second.stdout).toContain("the triggers are paused already\n");
    expect(second.stderr).toMatch(/^Not drained after 3 seconds: 1 in flight in queue default\./);
    expect([first.code, second.code]).toEqual([1, 1]);
    expect(status()).toEqual(["PAUSED"]);
  });

  test("leaves them paused when Ctrl-C ends it, and says so", async () => {
    const drain = project.begin("drain");
    project.http.interfere = interfereAt(2, "after", () => {
      drain.kill("SIGINT");
      return undefined;
    });

    const { code, stderr } = await drain.answer;

    project.http.interfere = () => undefined;
    expect(stderr).toContain(
      "Interrupted. The triggers stay paused: `npm run trigger -- --resume` goes on.\n",
    );
    expect(code).not.toBe(0);
    expect(status()).toEqual(["PAUSED"]);
  });

  test("killed at any request leaves a stage that the next one drains, and resume goes on", async () => {
    project.http.messages.pass(HOUR);
    for (const at of [0, 1, 5]) {
      const drain = project.begin("drain");
      project.http.interfere = interfereAt(at, "after", () => {
        drain.kill();
        return "cut";
      });
      expect((await drain.answer).code).not.toBe(0);
    }
    project.http.interfere = () => undefined;

    const drain = await project.npm("drain");
    const resume = await project.npm("trigger", ["--resume"]);

    expect(drain.stdout).toContain("Drained: nothing is in flight. Messages that wait: 1.\n");
    expect(drain.code).toBe(0);
    expect(resume.output).toBe("resume shop-tasks\n");
    expect(status()).toEqual(["ACTIVE"]);
  });

  test("of Terraform's triggers holds through a deploy", async () => {
    project.configure('trigger: "terraform",');
    await project.npm("deploy");

    const drain = await project.npm("drain", ["--timeout", "0s"]);
    const deploy = await project.npm("deploy");

    expect(drain.stdout).toContain("pause shop-tasks\n");
    expect(deploy.output).toContain("Note: trigger shop-tasks: paused.");
    expect(status()).toEqual(["PAUSED"]);
  });
});

/** Does something to one request to the queues, counted from 0. */
function interfereAt(at: number, phase: "before" | "after", act: () => ReturnType<Interference>) {
  let number = 0;
  const interfere: Interference = ({ service }, now) => {
    if (service !== "message-queue" || now !== phase) return undefined;
    number += 1;
    return number - 1 === at ? act() : undefined;
  };
  return interfere;
}
