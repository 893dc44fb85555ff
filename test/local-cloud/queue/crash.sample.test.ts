import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sampled } from "../../support/sample.ts";

const CRASHES = sampled("kills of the queue's process", 4, 100);
const SENDERS = 8;
const QUEUE = "tasks";

interface Server {
  readonly url: string;
  readonly child: ChildProcess;
}

async function start(directory: string): Promise<Server> {
  const args = ["run.mjs", "test/local-cloud/clients/serve.ts", directory, QUEUE];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  return { url: String(line).trim(), child };
}

async function call<T>({ url }: Server, action: string, input: object): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "X-Amz-Target": `AmazonSQS.${action}` },
    body: JSON.stringify({ QueueUrl: `${url}/cloud/id/${QUEUE}`, ...input }),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

/** Sends until the server dies; gives the bodies that were accepted. */
async function sendUntilDead(server: Server, prefix: string, accepted: Set<string>): Promise<void> {
  for (let index = 0; ; index++) {
    const MessageBody = `${prefix} ${index}`;
    try {
      await call(server, "SendMessage", { MessageBody });
    } catch {
      return;
    }
    accepted.add(MessageBody);
  }
}

/** Receives and deletes until the server dies; gives what it has begun to delete, and what is deleted. */
async function deleteUntilDead(
  server: Server,
  begun: Set<string>,
  deleted: Set<string>,
): Promise<void> {
  for (;;) {
    try {
      const { Messages = [] } = await call<{
        Messages?: readonly { readonly Body: string; readonly ReceiptHandle: string }[];
      }>(server, "ReceiveMessage", { MaxNumberOfMessages: 1, VisibilityTimeout: 0 });
      for (const { Body, ReceiptHandle } of Messages) {
        begun.add(Body);
        await call(server, "DeleteMessage", { ReceiptHandle });
        deleted.add(Body);
      }
    } catch {
      return;
    }
  }
}

async function readAll(server: Server): Promise<Set<string>> {
  const bodies = new Set<string>();
  for (;;) {
    const { Messages = [] } = await call<{ Messages?: readonly { readonly Body: string }[] }>(
      server,
      "ReceiveMessage",
      { MaxNumberOfMessages: 10, VisibilityTimeout: 600 },
    );
    if (Messages.length === 0) return bodies;
    for (const { Body } of Messages) bodies.add(Body);
  }
}

test("no accepted message is lost when the server is killed at any moment", async () => {
  const directory = mkdtempSync(join(tmpdir(), "crash-"));
  const accepted = new Set<string>();
  const begun = new Set<string>();
  const deleted = new Set<string>();
  for (let crash = 0; crash < CRASHES; crash++) {
    const server = await start(directory);
    const clients = Array.from({ length: SENDERS }, (_, sender) =>
      sendUntilDead(server, `${crash} ${sender}`, accepted),
    );
    clients.push(deleteUntilDead(server, begun, deleted));
    // At some moment of work under way, however fast this machine works.
    const before = accepted.size;
    const wanted = SENDERS + Math.floor(Math.random() * 20 * SENDERS);
    await expect.poll(() => accepted.size - before, { interval: 1 }).toBeGreaterThan(wanted);
    server.child.kill("SIGKILL");
    await Promise.all([...clients, once(server.child, "exit")]);
  }
  const server = await start(directory);
  const left = await readAll(server);
  server.child.kill("SIGKILL");
  const lost = [...accepted].filter((body) => !left.has(body) && !begun.has(body));
  console.log(`${accepted.size} accepted, ${begun.size} received, ${left.size} left`);
  expect(lost).toEqual([]);
  expect([...deleted].filter((body) => left.has(body))).toEqual([]);
  rmSync(directory, { recursive: true, force: true });
});
