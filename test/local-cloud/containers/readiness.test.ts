import { createServer } from "node:http";
import { createServer as createSocket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import {
  describeSilence,
  waitUntilReady,
} from "../../../packages/local-cloud/containers/_readiness.ts";
import { TOKEN } from "../../../packages/local-cloud/containers/_token.ts";

const serve = (answer: (path: string, token: string) => number) =>
  new Promise<number>((resolve) => {
    const server = createServer((request, response) => {
      const token = String(request.headers["x-local-cloud-token"] ?? "");
      response.writeHead(answer(request.url ?? "", token)).end();
    });
    onTestFinished(() => void server.close());
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
const { pid } = process;
const { signal } = new AbortController();

test("a site is ready when it answers, whatever that is, and guarded when it wants the token", async () => {
  const open = await serve(() => 500);
  const guarded = await serve((_, token) => (token === TOKEN ? 200 : 403));

  expect(await waitUntilReady({ pid, port: open }, signal)).toEqual({
    is: "ready",
    guarded: false,
  });
  expect(await waitUntilReady({ pid, port: guarded }, signal)).toEqual({
    ...{ is: "ready", guarded: true },
  });
});

test("a worker is ready when it is well, and is asked with the token", async () => {
  let asked = 0;
  const port = await serve((path, token) => {
    if (path !== "/healthz" || token !== TOKEN) return 403;
    asked += 1;
    return asked < 3 ? 503 : 200;
  });

  const readiness = await waitUntilReady({ pid, port, healthPath: "/healthz" }, signal);

  expect(readiness).toEqual({ is: "ready", guarded: true });
  expect(asked).toBe(3);
});

test("an open port that answers nothing is waited for until it is over", async () => {
  const server = createSocket();
  onTestFinished(() => void server.close());
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });

  expect(await waitUntilReady({ pid, port }, AbortSignal.timeout(300))).toEqual({ is: "over" });
  expect(await describeSilence({ pid, port })).toBe(
    `It listens on PORT (${port}), but it answers no request`,
  );
});

test("who listens elsewhere is told where", async () => {
  const port = await serve(() => 200);

  expect(await describeSilence({ pid, port: 1 })).toMatch(
    new RegExp(`^Nothing listens on PORT \\(1\\), but something on .*127\\.0\\.0\\.1:${port}`),
  );
});
