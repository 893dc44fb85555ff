import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Project, type Running, SHOP } from "./_project.ts";

// The project's own settings name one queue only.
const project = new Project(`
  celeryApp: "tasks:app",
  image: { context: ${JSON.stringify(SHOP)} },
  web: { command: ["python", "web.py"] },
  queues: { heavy: { worker: { timeoutSeconds: 900 } }, mail: {} },
`);
const notes = join(project.dir, "notes.txt");
let running: Running;
let urls: Awaited<ReturnType<Running["urls"]>>;

beforeAll(async () => {
  running = project.start("--json");
  urls = await running.urls();
});
afterAll(() => project.close());

function send(queue: string, text: string): Promise<Running> {
  const options = queue === "" ? "" : `, queue="${queue}"`;
  const line = `from tasks import note; note.apply_async(("${notes}", "${text}")${options})`;
  return project.run("run", "python", "-c", line);
}

test("a task runs in its queue's own container, or in the default queue's", async () => {
  await Promise.all([send("", "plain"), send("heavy", "large"), send("mail", "letter")]);
  for (const text of ["plain", "large", "letter"]) await done(text);

  const response = await fetch(`${urls.control}/api/tasks`);
  const { tasks } = (await response.json()) as {
    readonly tasks: readonly {
      readonly args: readonly string[];
      readonly queue: string;
      readonly attempts: readonly { readonly container: string }[];
    }[];
  };
  const where = tasks.map(({ args, queue, attempts: [attempt] }) => [
    args[1],
    [queue, attempt?.container],
  ]);
  expect(Object.fromEntries(where)).toEqual({
    plain: ["shop-tasks", "shop-worker"],
    large: ["shop-tasks-heavy", "shop-worker-heavy"],
    letter: ["shop-tasks-mail", "shop-worker"],
  });
});

test("the queue of a task is shown where it is not the default one", async () => {
  const { stdout } = await project.run("tasks");

  expect(stdout.match(/^.* tasks\.note .*$/gm)).toHaveLength(3);
  expect(stdout.match(/ queue .*$/gm)?.sort()).toEqual([" queue heavy", " queue mail"]);
});

test("a queue that the stack lacks is named where the task is sent, with the line to add", async () => {
  const sent = await send("slow", "nowhere");

  expect(await sent.end).toBe(1);
  expect(sent.stderr).toContain(
    "Task 'tasks.note' is sent to queue 'slow', which does not exist (known: 'default', 'heavy', 'mail'). Add it to config.ts (queues: { slow: {} })",
  );
});

async function done(text: string): Promise<void> {
  const isDone = () =>
    running.lines.some(({ args, outcome }) => (args as string[])?.[1] === text && outcome === "ok");
  while (!isDone()) await running.next();
}
