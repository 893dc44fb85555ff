import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { realSystem } from "../../../scripts/lib/shell/real-system.ts";
import { NOT_FOUND, type ProcessOptions, TIMED_OUT } from "../../../scripts/lib/shell/system.ts";

const run = (command: string, args: readonly string[], options: Partial<ProcessOptions> = {}) =>
  realSystem().run(command, args, { env: process.env, ...options });
const node = process.execPath;

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "system-"));
});

afterEach(() => rmSync(dir, { recursive: true }));

describe("run", () => {
  test("captures both streams and the exit code", async () => {
    const script = "console.log('out'); console.error('err'); process.exit(3)";

    expect(await run(node, ["-e", script])).toEqual({
      exitCode: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("passes arguments as they are, not through a shell", async () => {
    const { stdout } = await run(node, ["-p", "process.argv[1]", "$HOME; `ls` && x"]);

    expect(stdout).toBe("$HOME; `ls` && x\n");
  });

  test("closes standard input", async () => {
    const script =
      "process.stdin.on('data', (d) => process.stdout.write('got ' + d)).on('end', () => console.log('end'))";

    expect((await run(node, ["-e", script])).stdout).toBe("end\n");
    expect((await run(node, ["-e", script], { input: "x" })).stdout).toBe("got xend\n");
  });

  test("gives the environment that was asked for and no more", async () => {
    const { stdout } = await run(node, ["-p", "[process.env.A, process.env.B, process.env.HOME]"], {
      env: { A: "1", B: undefined },
    });

    expect(stdout).toBe("[ '1', undefined, undefined ]\n");
  });

  test("answers for a missing command and one that hangs", async () => {
    expect(await run("no-such-command", [])).toMatchObject({ exitCode: NOT_FOUND });
    expect(
      await run(node, ["-e", "setInterval(() => {}, 1000)"], { timeoutSeconds: 0.2 }),
    ).toMatchObject({ exitCode: TIMED_OUT });
  });

  test("hands over the output line by line", async () => {
    const lines: string[] = [];
    await run(node, ["-e", "console.log('a\\nb'); process.stdout.write('rest')"], {
      onLine: (line) => void lines.push(line),
    });

    expect(lines).toEqual(["a", "b"]);
  });

  test("lets a command write to a file that only the user may read", async () => {
    const logFile = join(dir, "log", "x.log");
    const lines: string[] = [];
    const result = await run(node, ["-e", "console.log('out'); console.error('err')"], {
      logFile,
      onLine: (line) => void lines.push(line),
    });

    expect(result).toEqual({ exitCode: 0, stdout: "out\nerr\n", stderr: "" });
    expect(readFileSync(logFile, "utf8")).toBe("out\nerr\n");
    expect(statSync(logFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, "log")).mode & 0o777).toBe(0o700);
    expect(lines).toEqual(["out", "err"]);
  });

  test("starts a new file for each run", async () => {
    const logFile = join(dir, "x.log");
    await run(node, ["-e", "console.log('first')"], { logFile });
    await run(node, ["-e", "console.log('second')"], { logFile });

    expect(readFileSync(logFile, "utf8")).toBe("second\n");
    expect(existsSync(logFile)).toBe(true);
  });
});

describe("sleep", () => {
  test("ends when the signal aborts, or has aborted", async () => {
    const stop = new AbortController();
    const asleep = realSystem().sleep(2 ** 31 - 1, stop.signal);

    stop.abort();

    await expect(asleep).resolves.toBeUndefined();
    await expect(realSystem().sleep(2 ** 31 - 1, stop.signal)).resolves.toBeUndefined();
    await expect(realSystem().sleep(1)).resolves.toBeUndefined();
  });
});

describe("fetch", () => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end("from the proxy");
  });
  afterEach(() => {
    delete process.env.HTTP_PROXY;
    proxy.close();
  });

  test("goes through the proxy that the environment names", async () => {
    await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
    proxy.on("connect", (request, socket) => {
      seen.push(`CONNECT ${request.url}`);
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    const { port } = proxy.address() as AddressInfo;
    process.env.HTTP_PROXY = `http://127.0.0.1:${port}`;

    await realSystem()
      .fetch("http://cloud.invalid/")
      .catch(() => {});

    expect(seen).toEqual(["CONNECT cloud.invalid:80"]);
  });

  test("waits for an hour where it is told to be patient", async () => {
    const server = createServer((_, response) => {
      // By the clock of whoever waits; the first tick starts what is to end then.
      clock.tick(0);
      clock.tick(HOUR_MS);
      response.end("at last");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;

    const response = await realSystem().fetch(`http://127.0.0.1:${port}/`, { patient: true });

    expect(await response.text()).toBe("at last");
    server.close();
  });
});

const HOUR_MS = 3_600_000;
const clock: { tick(milliseconds: number): void } = createRequire(import.meta.url)(
  "undici/lib/util/timers.js",
);
