import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import {
  formatListener,
  isExposed,
  listenersOf,
} from "../../../packages/local-cloud/containers/_listening.ts";
import { OwnedProcess } from "../../../packages/local-cloud/support/owned-process.ts";

const listen = (host: string) =>
  new Promise<number>((resolve) => {
    const server = createServer();
    onTestFinished(() => void server.close());
    server.listen(0, host, () => resolve((server.address() as { port: number }).port));
  });

test.each([
  ["127.0.0.1", false],
  ["0.0.0.0", true],
  ["::1", false],
  ["::", true],
])("of a process that listens on %s, others can reach it: %s", async (host, exposed) => {
  const port = await listen(host);

  const found = (await listenersOf(process.pid, 1)).find((one) => one.port === port);

  expect(found?.address).toBe(host);
  expect(found && isExposed(found)).toBe(exposed);
});

test("a process that another one has started counts, and so does whoever has the port", async () => {
  const port = await listen("127.0.0.1");
  let child = 0;
  const code =
    "import socket,time; s=socket.create_server(('0.0.0.0',0)); print(s.getsockname()[1],flush=True); time.sleep(60)";
  const owned = await new Promise<OwnedProcess>((resolve) => {
    const env = { PATH: process.env.PATH ?? "" };
    const command = { program: "sh", args: ["-c", `python3 -c "${code}"; :`], cwd: ".", env };
    const made = new OwnedProcess(command, (line) => {
      child = Number(line);
      resolve(made);
    });
  });
  onTestFinished(() => owned.stop());

  const found = await listenersOf(owned.pid ?? 0, port);

  expect(found.map(formatListener).sort()).toEqual(
    [`0.0.0.0:${child}`, `127.0.0.1:${port}`].sort(),
  );
});
