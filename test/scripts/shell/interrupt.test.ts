import { spawn } from "node:child_process";
import { getEventListeners } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stopWithReader, unlessAborted } from "../../../scripts/lib/shell/interrupt.ts";
import { ROOT } from "../../support/sources.ts";

const SENTENCE = "Interrupted. Run the same command again to finish.\n";

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "interrupt-"));
});

afterAll(() => rmSync(dir, { recursive: true }));

// Says each signal that it gets, and ends in its own time after the first.
const TOOL = `
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    console.log(signal);
    setTimeout(() => process.exit(0), 800);
  });
}
setInterval(() => {}, 1000);
console.log("working");
`;

const LOGGED = `await system.run(process.execPath, ["-e", ${JSON.stringify(TOOL)}], {
  logFile: ${JSON.stringify("LOG")},
  onLine: (line) => system.say(line),
});
system.say("went on");`;
const SYNTH = `const { exitCode } = await system.run(process.execPath, ["-e", "console.log('working'); setInterval(() => {}, 1000)"], {
  onLine: (line) => system.say(line),
});
system.say("went on " + exitCode);`;
// The other one comes to its next tool after the signal, while this one still runs.
const BESIDE = `const after = new Promise((done) => process.on("SIGINT", () => setTimeout(done, 100)));
const beside = after
  .then(() => system.run(process.execPath, ["-e", "console.log('late')"], { onLine: (line) => system.say(line) }))
  .catch(() => {});
try { ${LOGGED} } finally { await beside; }`;
// Of a signal to both, the end of the tool may be seen first; here it is all that is seen.
const TOOL_FIRST = `await system.run(process.execPath, ["-e", "process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 1000)"], {});
system.say("went on");`;
const NO_TOOL = `system.say("working"); await system.sleep(60_000);`;

describe("a signal", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "%s reaches a tool once, is waited out, and nothing runs after it",
    async (signal, code) => {
      const answer = await interrupt(LOGGED, [signal, signal]);

      expect(answer).toEqual({ code, stdout: `working\n${signal}\n`, stderr: SENTENCE });
    },
  );

  test("lets nothing start that runs beside the tool it waits for", async () => {
    const { code, stdout } = await interrupt(BESIDE, ["SIGINT"]);

    expect({ code, stdout }).toEqual({ code: 130, stdout: "working\nSIGINT\n" });
  });

  test.each([
    ["a tool that it ends", SYNTH],
    ["no tool", NO_TOOL],
  ])("with %s under way ends the command with one sentence", async (_, act) => {
    expect(await interrupt(act, ["SIGINT"])).toEqual({
      code: 130,
      stdout: "working\n",
      stderr: SENTENCE,
    });
  });
});

test("a tool that a signal has ended ends the command before its own signal comes", async () => {
  expect(await interrupt(TOOL_FIRST, [])).toEqual({ code: 130, stdout: "", stderr: SENTENCE });
});

describe("what goes on unless a signal aborts", () => {
  test("is given, or fails, as it would", async () => {
    const { signal } = new AbortController();

    expect(await unlessAborted(signal, Promise.resolve(3))).toBe(3);
    await expect(unlessAborted(signal, Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  test("is not waited for after that", async () => {
    const stop = new AbortController();
    const given = unlessAborted(stop.signal, new Promise(() => {}));

    stop.abort();

    expect(await given).toBeUndefined();
    expect(await unlessAborted(stop.signal, new Promise(() => {}))).toBeUndefined();
    expect(await unlessAborted(stop.signal, Promise.reject(new Error("no")))).toBeUndefined();
  });

  test("leaves no listener behind", async () => {
    const { signal } = new AbortController();
    for (let call = 0; call < 3; call += 1) await unlessAborted(signal, Promise.resolve());

    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

/** Runs a command that acts like this, and sends it signals while it works. */
async function interrupt(act: string, signals: readonly NodeJS.Signals[]) {
  const entry = join(dir, "command.ts");
  writeFileSync(
    entry,
    `import { main } from ${JSON.stringify(join(ROOT, "scripts/lib/shell/main.ts"))};
await main({ name: "work", summary: "Works.", flags: {} }, async (system) => {
  ${act.replace('"LOG"', JSON.stringify(join(dir, "tool.log")))}
});
`,
  );
  const child = spawn(process.execPath, [join(ROOT, "run.mjs"), entry], {
    // As a terminal does it: the whole group gets the signal.
    detached: true,
  });
  const answer = { code: -1, stdout: "", stderr: "" };
  const rest = [...signals];
  child.stdout.on("data", (chunk) => {
    answer.stdout += chunk;
    // The next one only when the tool has told of the last: two that wait at once become one.
    const next =
      answer.stdout.includes("SIG") || rest.length === signals.length ? rest.shift() : undefined;
    if (next) process.kill(-Number(child.pid), next);
  });
  child.stderr.on("data", (chunk) => {
    answer.stderr += chunk;
  });
  return new Promise<typeof answer>((done) => {
    child.on("close", (code) => done({ ...answer, code: code ?? -1 }));
  });
}

test("what goes on until somebody stops it stops with the reader of its output", () => {
  const { signal } = stopWithReader();
  expect(signal.aborted).toBe(false);

  process.stdout.emit("error", new Error("write EPIPE"));

  expect(signal.aborted).toBe(true);
});
