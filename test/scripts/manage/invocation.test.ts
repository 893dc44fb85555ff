import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { type Invocation, invoke } from "../../../scripts/lib/manage/invocation.ts";
import { realSystem } from "../../../scripts/lib/shell/real-system.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { ACCESS, type Answer, bodyOf, type FakeSystem, fakeSystem } from "../_system.ts";

const HOST = "bba1.containers.yandexcloud.net";
const URL = `https://${HOST}/`;
const done = (code: string, body = "done\n"): Answer => ({
  ...{ headers: { "X-Task-Exit-Code": code }, body },
});

/** A system in which the container answers so, in turn. */
const answering = (...answers: readonly Answer[]) =>
  fakeSystem({ routes: { [`POST ${URL}`]: answers } });

const run = (system: FakeSystem, more: Partial<Invocation> = {}) =>
  invoke({
    ...{ system, access: ACCESS, url: URL, words: ["migrate", "--noinput"] },
    ...{ notLetIn: "NOT LET IN", goesOn: "GOES ON", signal: new AbortController().signal },
    ...more,
  });

describe("invoke", () => {
  test("hands the words over with a token, and waits as long as it takes", async () => {
    const system = answering(done("0"));

    expect(await run(system)).toEqual({ exitCode: 0, output: "done\n" });
    const [{ init } = { init: undefined }] = system.sent;
    expect(bodyOf(init)).toEqual({ manage: ["migrate", "--noinput"] });
    expect(init).toMatchObject({ headers: { authorization: "Bearer t1.token" }, patient: true });
  });

  test.each([
    ["0", 0],
    ["1", 1],
    ["143", 143],
    ["-1", 255],
  ])("takes exit code %s from the header", async (header, exitCode) => {
    expect(await run(answering(done(header)))).toMatchObject({ exitCode });
  });

  test.each<[string, Answer, string]>([
    [
      "no exit code",
      { body: "<html>" },
      "The container answered without X-Task-Exit-Code: it runs no commands. Run `npm run deploy`, which writes it again.",
    ],
    [
      "an exit code that is none",
      done("x"),
      "The container answered without X-Task-Exit-Code: it runs no commands. Run `npm run deploy`, which writes it again.",
    ],
    [
      "401",
      { status: 401 },
      "The container does not accept the token (401). It may have expired: IAM tokens live up to 12 hours.",
    ],
    ["403", { status: 403 }, "The container does not let you in (403). NOT LET IN"],
    [
      "404",
      { status: 404 },
      "The container is not there (404). Run `npm run deploy`, which creates it again.",
    ],
    [
      "504",
      { status: 504 },
      "The command was out of time (504). Raise 'manage.timeoutSeconds' in config.ts, up to 3600. GOES ON",
    ],
    [
      "502",
      { status: 502, body: `no such file${"!".repeat(3000)}` },
      `The container answered 502: no such file${"!".repeat(1988)}`,
    ],
    ["500", { status: 500, body: "" }, "The container answered 500: no explanation"],
  ])("explains %s", async (_, answer, message) => {
    const system = answering(answer);

    await expect(run(system)).rejects.toThrow(new UserError(message));
    expect(system.sent).toHaveLength(1);
  });

  test.each([403, 404])("waits for a right that is new (%i)", async (status) => {
    const system = answering({ status }, { status }, done("3"));

    expect(await run(system, { isNew: true })).toMatchObject({ exitCode: 3 });
  });

  test("but not for ever", async () => {
    const system = answering({ status: 403 });
    const start = system.now();

    await expect(run(system, { isNew: true })).rejects.toThrow("NOT LET IN");
    expect(system.now() - start).toBe(123_000);
  });

  test.each(["ECONNREFUSED", "ENOTFOUND", "UND_ERR_CONNECT_TIMEOUT"])(
    "says of a request that was never sent (%s) that nothing runs",
    async (code) => {
      const error = new TypeError("fetch failed", {
        cause: Object.assign(new Error(code), { code }),
      });

      await expect(run(answering({ error }))).rejects.toThrow(
        new UserError(`${HOST} cannot be reached. Check the network.`),
      );
    },
  );

  const LOST = new UserError("The connection was lost, and the command may still run. GOES ON");

  test("says where a command goes on that it does not hear of any more", async () => {
    const cause = Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" });
    const error = new TypeError("fetch failed", { cause });

    await expect(run(answering({ error }))).rejects.toThrow(LOST);
  });

  test("says so in the middle of an output, too", async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { "x-task-exit-code": "0", "content-length": 100 });
      response.write("half", () => response.destroy());
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

    await expect(run({ ...fakeSystem(), fetch: realSystem().fetch }, { url })).rejects.toThrow(
      LOST,
    );
    server.close();
  });

  test("ends with the reason of whoever gives up", async () => {
    const reason = new Error("given up");
    const signal = AbortSignal.abort(reason);

    await expect(run(answering({ error: new Error("aborted") }), { signal })).rejects.toBe(reason);
  });
});
