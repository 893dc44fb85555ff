import { describe, expect, test } from "vitest";
import { alive, get, makeContainers, startContainers } from "./_world.ts";

describe("Containers", () => {
  test("runs a command in its source, with the stack's environment and little else", async () => {
    const { containers } = await startContainers([
      { environment: { GREETING: "hello", CELERY_BROKER_URL: "sqs://" }, secrets: ["API_KEY"] },
    ]);

    const seen = JSON.parse((await get(containers, "/")).text);
    const { GREETING, API_KEY, PORT, VIRTUAL_ENV, TZ, ...rest } = seen.environment;

    expect(seen.cwd).toMatch(/site$/);
    expect([GREETING, TZ]).toEqual(["hello", "UTC"]);
    expect(API_KEY).toMatch(/^[0-9a-f]{50}$/);
    expect(Number(PORT)).toBeGreaterThan(0);
    expect(VIRTUAL_ENV).toContain("venv-");
    expect(rest).not.toHaveProperty("npm_lifecycle_event");
    expect(rest).not.toHaveProperty("VITEST");
  });

  test("passes a request on as it is, and the answer back", async () => {
    const { containers } = await startContainers();

    const path = "/%77orker/../x//y?status=201&header-Set-Cookie=a%3D1";
    const answer = await get(containers, path, {
      method: "POST",
      headers: [
        ["Host", "shop.example.com"],
        ["Cookie", "session=1"],
        ["Authorization", "Bearer x"],
        ["Transfer-Encoding", "chunked"],
        ["Content-Length", "99"],
        ["Expect", "100-continue"],
      ],
      body: Buffer.from("abc"),
    });
    const seen = JSON.parse(answer.text);

    expect(answer).toMatchObject({ status: 201, headers: { "set-cookie": "a=1" } });
    expect(seen).toMatchObject({ method: "POST", path, bytes: 3 });
    expect(Object.fromEntries(seen.headers)).toEqual({
      host: "shop.example.com",
      cookie: "session=1",
      authorization: "Bearer x",
      "content-length": "3",
      connection: "close",
      // What our settings of gunicorn ask for, and take away.
      "x-local-cloud-token": expect.any(String),
    });
  });

  test.each([
    [
      "/chunked?status=400",
      "answered 400 with the header transfer-encoding, which the platform rejects. It starts with: DisallowedHost at /. Send a Content-Length.",
    ],
    [
      "/?status=201&header-Via=1.1+x",
      'answered 201 with the header via, which the platform rejects. It starts with: {"method": "GET"',
    ],
    ["/?header-Proxy-Authenticate=Basic", "answered 200 with the header proxy-authenticate,"],
    [
      "/big?bytes=3670100&status=206",
      "answered 206 with more than 3.5 MB, which the platform rejects. It starts with: xxx",
    ],
  ])(
    "answers 502 in place of a response that the platform refuses, and tells what it was: %s",
    async (path, text) => {
      const { containers, happenings } = await startContainers();

      const answer = await get(containers, path);

      expect(answer).toMatchObject({ status: 502, text: expect.stringContaining(text) });
      expect(happenings).toContainEqual(
        expect.objectContaining({
          type: "refused",
          by: "shop-web",
          code: "502",
          message: expect.stringMatching(/^Container shop-web answered \d+ with /),
        }),
      );
    },
  );

  test("answers 404 where there is no such container", async () => {
    const { containers } = await startContainers();
    const request = { method: "POST", path: "/", headers: [], body: Buffer.alloc(0) };

    expect(await containers.invoke("other", request)).toMatchObject({ status: 404 });
    expect(() => containers.hasRoom("other")).toThrow("Container other is not in the stack");
  });

  test("lets no more requests in at once than the container takes, and others wait", async () => {
    const { containers } = await startContainers([{ concurrency: 2 }]);
    const slow = [0, 1, 2].map(() => get(containers, "/?seconds=0.3"));
    const firstTwo = Promise.race(slow);

    await firstTwo;
    expect(containers.states[0]?.requests).toBeGreaterThan(0);
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(containers.hasRoom("shop-web")).toBe(true);
  });

  test("answers 429 to the eleventh request at once", async () => {
    const { containers } = await startContainers([{ concurrency: 16 }]);

    const answers = await Promise.all(
      Array.from({ length: 11 }, () => get(containers, "/?seconds=0.3")),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(10).fill(200), 429]);
  });

  test("answers 504 when the time is over, and ends the instance", async () => {
    const { containers } = await startContainers([{ timeoutSeconds: 2 }]);
    const before = JSON.parse((await get(containers, "/")).text).pid;

    const late = await get(containers, "/?seconds=30");
    const after = JSON.parse((await get(containers, "/")).text).pid;

    expect(late).toMatchObject({ status: 504, text: expect.stringContaining("timeoutSeconds") });
    expect(after).not.toBe(before);
    await expect.poll(() => alive(before)).toBe(false);
  });

  test("answers 502 when the container crashes, and starts it again", async () => {
    const { containers, until } = await startContainers();

    const crash = await get(containers, "/crash");
    await until("container", ({ state }) => state === "crashed");

    expect(crash.status).toBe(502);
    expect((await get(containers, "/")).status).toBe(200);
  });

  test("tells those who call a container that never starts why", async () => {
    const { containers, until } = await startContainers([{ environment: { BROKEN: "1" } }]);
    await until(
      "container",
      ({ state, detail = "" }) => state === "crashed" && /in 1 s/.test(detail),
    );

    const answer = await get(containers, "/");

    expect(answer.status).toBe(502);
    expect(answer.text).toContain("RuntimeError: broken on purpose");
  });

  test.each([
    ["by itself", ["python", "-c", "$SERVER"]],
    ["in a shell", ["sh", "-c", 'exec python -c "$SERVER"']],
    ["as its child", ["sh", "-c", 'python -c "$SERVER"; exit 1']],
  ])("refuses one that the whole network reaches, which listens %s", async (_, words) => {
    const SERVER =
      "import os; from http.server import *; HTTPServer(('0.0.0.0', int(os.environ['PORT'])), BaseHTTPRequestHandler).serve_forever()";
    const command = words.map((word) => (word === "$SERVER" ? SERVER : word));
    const { containers, until } = await startContainers([{ command, environment: { SERVER } }]);

    const crash = await until("container", ({ state }) => state === "crashed");

    expect(crash).toMatchObject({
      cause: expect.stringMatching(
        /^It listens on 0\.0\.0\.0:\d+, which the whole network can reach\..*LISTEN_HOST/,
      ),
    });
    expect(containers.states).not.toContainEqual(expect.objectContaining({ state: "ready" }));
  });

  test("is not ready while its port is open and its application is not there", async () => {
    const code =
      "import os, socket, time; s = socket.create_server(('127.0.0.1', int(os.environ['PORT']))); time.sleep(1); raise KeyError('SENTRY_DSN')";
    const { happenings, until } = await startContainers([{ command: ["python", "-c", code] }]);

    const crash = await until("container", ({ state }) => state === "crashed");

    expect(crash).toMatchObject({ cause: "KeyError: 'SENTRY_DSN'" });
    expect(happenings).not.toContainEqual(expect.objectContaining({ state: "ready" }));
  });

  test("says so when any page in a browser may call a worker", async () => {
    const open = await startContainers([{ healthPath: "/healthz" }]);
    const site = await startContainers();

    const warnings = ({ happenings }: typeof open) =>
      happenings.filter((one) => one.type === "log" && one.level === "warning");

    expect(warnings(open)).toMatchObject([
      { message: expect.stringContaining("can make shop-web execute tasks") },
    ]);
    expect(warnings(site)).toEqual([]);
  });

  test("restarts with another process, and stops with none left", async () => {
    const { containers } = await startContainers();
    const pidOf = async () => JSON.parse((await get(containers, "/")).text).pid as number;
    const first = await pidOf();

    await containers.restart();
    const second = await pidOf();
    await containers.stop();

    expect(second).not.toBe(first);
    await expect.poll(() => [first, second].map(alive)).toEqual([false, false]);
    expect(containers.states).toMatchObject([{ state: "stopped" }]);
  });

  test("says whose line it is that is printed while one message is worked on", async () => {
    const { containers, until } = await startContainers();
    const message = { messageId: "m1", taskId: "t1" };

    await get(containers, "/?say=plain", { message });
    await get(containers, '/?say={"level":"WARN","message":"own","task_id":"t1"}', { message });
    await get(containers, '/?say={"level":"WARN","message":"late","task_id":"t0"}', { message });
    await get(containers, '/?say={"message":"foreign","task_id":"t0"}', {
      message: { messageId: "m2" },
    });
    const saying = (text: string) => until("log", (line) => line.message === text);

    expect(await saying("plain")).toMatchObject({ ...message, level: "info" });
    expect(await saying("own")).toMatchObject({ ...message, level: "warning" });
    for (const text of ["late", "foreign"]) {
      expect(await saying(text)).toMatchObject({ taskId: "t0" });
      expect(await saying(text)).not.toHaveProperty("messageId");
    }
  });

  test("shows memory, and warns once above the container's", async () => {
    const { containers, happenings, until } = await startContainers([{ memoryMib: 32 }]);

    await get(containers, "/eat?mib=64");
    const warning = await until("log", ({ level }) => level === "warning");

    expect(warning).toMatchObject({ message: expect.stringContaining("memoryMib") });
    expect(containers.states[0]?.memoryMib).toBeGreaterThan(64);
    expect(happenings.filter((one) => one.type === "log" && one.level === "warning")).toHaveLength(
      1,
    );
  });
});

describe("an environment of more than 4 KB", () => {
  test("is refused before anything starts", async () => {
    const environment = { LONG: "x".repeat(4093) };
    const { containers, happenings } = makeContainers([{ environment }]);

    await expect(containers.start()).rejects.toThrow("Container shop-web: ");
    await expect(containers.start()).rejects.toThrow("has 4097 bytes");
    expect(happenings).toContainEqual(
      expect.objectContaining({ type: "refused", fix: expect.stringContaining("config.ts") }),
    );
    expect(containers.states).toMatchObject([{ state: "starting" }]);
  });

  test("does not count what only a local site has", async () => {
    const environment = { LONG: "x".repeat(4092), DJANGO_DEBUG: "1", URL_SCHEME: "http" };

    const { containers } = await startContainers([{ environment }]);

    expect((await get(containers, "/")).status).toBe(200);
  });
});
