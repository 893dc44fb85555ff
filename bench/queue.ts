// The local queue against fauxqs (by one raw client, JSON protocol) and against moto (by boto3), each
// server a process of its own. Pairs, one after the other on the same machine, medians:
// `node run.mjs bench/queue.ts [runs]`. boto3 is of the Python tests: `npm run test:python` first.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

const RUNS = Number(process.argv[2] ?? 7);
const CONNECTIONS = 16;
const MESSAGES = 10_000;
const BY_BOTO3 = 300;
const BODY = "x".repeat(1024);
const PYTHON_CACHE = join("node_modules", ".cache", "python");

interface Server {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
}

interface Rates {
  /** Messages a second. */
  readonly send: number;
  readonly receive: number;
}

const FAUXQS = `
import { startFauxqs } from "fauxqs";
const { port } = await startFauxqs({ port: 0, logger: false });
console.log("http://localhost:" + port);`;

const ours = await start("local queue", ["run.mjs", "test/local-cloud/clients/serve.ts"]);
const fauxqs = await start("fauxqs 1.9.2", ["--input-type=module", "-e", FAUXQS]);
// Not slower: no laptop needs more.
await compare(ours, fauxqs, rawRates, { send: 1, receive: 1 });
fauxqs.process.kill();

const python = findPython();
if (python) {
  const moto = await start("moto", ["-u", "bench/queue_moto.py"], python);
  const rates = (server: Server) => boto3Rates(python, server);
  await compare(ours, moto, rates, { send: 5, receive: 5 });
  moto.process.kill();
} else {
  console.log("moto: left out, `npm run test:python` makes the environment with boto3");
}
ours.process.kill();

async function start(
  name: string,
  args: readonly string[],
  program = process.execPath,
): Promise<Server> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk) => resolve(String(chunk)));
    child.once("exit", (code) =>
      reject(new Error(`${name} ended with ${code} before it listened`)),
    );
  });
  return { name, port: Number(new URL(line.trim()).port), process: child };
}

async function compare(
  fast: Server,
  slow: Server,
  measure: (server: Server) => Promise<Rates> | Rates,
  wanted: Rates,
): Promise<void> {
  await measure(fast);
  await measure(slow);
  const pairs: (readonly [Rates, Rates])[] = [];
  for (let run = 0; run < RUNS; run++) {
    // Whoever is first in a pair may find the machine in another state.
    const first = run % 2 === 0 ? fast : slow;
    const one = await measure(first);
    const other = await measure(first === fast ? slow : fast);
    pairs.push(first === fast ? [one, other] : [other, one]);
  }
  for (const what of ["send", "receive"] as const) {
    const ratio = median(pairs.map(([a, b]) => a[what] / b[what]));
    const rate = (index: 0 | 1) => median(pairs.map((pair) => pair[index][what])).toFixed(0);
    console.log(
      `${what}: ${fast.name} ${rate(0)}/s, ${slow.name} ${rate(1)}/s; ratio, median of ${RUNS} pairs: ${ratio.toFixed(2)} (wanted: ${wanted[what]})`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function rawRates({ port }: Server): Promise<Rates> {
  const lines = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(port)));
  const [first] = lines as [Line, ...Line[]];
  const name = `bench-${Math.random().toString(36).slice(2)}`;
  const created = await first.call("CreateQueue", { QueueName: name });
  const QueueUrl = (created as { QueueUrl: string }).QueueUrl;
  const message = first.prepare("SendMessage", { QueueUrl, MessageBody: BODY });
  const send = await rate(lines, 1, async (line) => {
    await line.send(message);
    return 1;
  });
  const receive = await rate(lines, 10, (line) => receiveAndDelete(line, QueueUrl));
  await first.call("DeleteQueue", { QueueUrl });
  for (const line of lines) line.end();
  return { send, receive };
}

async function receiveAndDelete(line: Line, QueueUrl: string): Promise<number> {
  const received = await line.call("ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 10 });
  const { Messages = [] } = received as { Messages?: readonly { ReceiptHandle: string }[] };
  const Entries = Messages.map(({ ReceiptHandle }, index) => ({
    Id: String(index),
    ReceiptHandle,
  }));
  await line.call("DeleteMessageBatch", { QueueUrl, Entries });
  return Messages.length;
}

/** Messages a second, all connections together; `weight` messages an act. */
async function rate(
  lines: readonly Line[],
  weight: number,
  act: (line: Line) => Promise<number>,
): Promise<number> {
  const start = performance.now();
  let begun = 0;
  await Promise.all(
    lines.map(async (line) => {
      while (begun < MESSAGES) {
        begun += weight;
        if ((await act(line)) !== weight) throw new Error("messages are missing");
      }
    }),
  );
  return MESSAGES / ((performance.now() - start) / 1000);
}

/** One connection that is kept, with one request at a time: as little of a client as there can be. */
interface Line {
  /** The bytes of a request. */
  prepare(action: string, input: object): Buffer;
  /** Sends them, and gives the answer's body. */
  send(request: Buffer): Promise<string>;
  call(action: string, input: object): Promise<unknown>;
  end(): void;
}

async function open(port: number): Promise<Line> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const next = answers(socket);
  const line: Line = {
    prepare(action, input) {
      const body = JSON.stringify(input);
      return Buffer.from(
        `POST / HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.${action}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    },
    send(request) {
      socket.write(request);
      return next();
    },
    call: async (action, input) =>
      JSON.parse((await line.send(line.prepare(action, input))) || "{}"),
    end: () => socket.end(),
  };
  return line;
}

/** Gives the bodies of the answers that come in, one a call. */
function answers(socket: Socket): () => Promise<string> {
  let received = "";
  let resolve: (body: string) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    received += chunk;
    const body = received.indexOf("\r\n\r\n") + 4;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
    if (body < 4 || received.length < body + length) return;
    const answer = received;
    received = "";
    if (answer.startsWith("HTTP/1.1 200")) resolve(answer.slice(body));
    else reject(new Error(answer));
  });
  return () =>
    new Promise((done, failed) => {
      resolve = done;
      reject = failed;
    });
}

function boto3Rates(interpreter: string, { port }: Server): Rates {
  const args = ["bench/queue_boto3.py", `http://localhost:${port}`, String(BY_BOTO3)];
  return JSON.parse(execFileSync(interpreter, args, { encoding: "utf8" })) as Rates;
}

function findPython(): string | undefined {
  const names = existsSync(PYTHON_CACHE) ? readdirSync(PYTHON_CACHE) : [];
  const made = names.find(
    (name) => name.startsWith("local-cloud-") && existsSync(join(PYTHON_CACHE, name, "done")),
  );
  return process.env.BENCH_PYTHON ?? (made && join(PYTHON_CACHE, made, "bin", "python"));
}
