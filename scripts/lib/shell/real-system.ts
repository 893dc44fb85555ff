import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { RequestInit as UndiciRequestInit } from "undici";
import { endedBy, interruption, passSignals } from "./interrupt.ts";
import {
  digitsOf,
  type FetchInit,
  NOT_FOUND,
  type ProcessOptions,
  type ProcessResult,
  type System,
  TIMED_OUT,
} from "./system.ts";

const TAIL_INTERVAL_MS = 150;
/** As long as a timer can be: 24 days. */
const MAX_SECONDS = 2 ** 31 / 1000 - 1;

/** The machine this runs on. */
export function realSystem(): System {
  const root = process.cwd();
  return {
    root,
    runId: `${digitsOf(Date.now())}-${process.pid}`,
    env: process.env,
    interactive: Boolean(process.stdin.isTTY && process.stdout.isTTY),
    run: async (command, args, options) => {
      // It would never hear of the signal: what ran beside has got it already.
      const interrupted = interruption();
      if (interrupted) throw interrupted;
      return options.logFile === undefined
        ? runCaptured(command, args, options)
        : runLogged(command, args, options, resolve(root, options.logFile));
    },
    fetch: fetchThroughProxy,
    say: (text) => void process.stdout.write(`${text}\n`),
    warn: (text) => void process.stderr.write(`${text}\n`),
    ask,
    sleep: (milliseconds, signal) =>
      sleep(milliseconds, undefined, { signal }).catch((error) => {
        if (!signal?.aborted) throw error;
      }),
    now: () => Date.now(),
  };
}

// Node's own fetch does not know the proxy variables before 24, and cannot wait for long; what needs
// neither does not pay for it.
async function fetchThroughProxy(
  url: string,
  { patient = false, ...init }: FetchInit = {},
): Promise<Response> {
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy } = process.env;
  const isDirect = !(HTTPS_PROXY || https_proxy || HTTP_PROXY || http_proxy);
  if (isDirect && !patient) return fetch(url, init);
  const { EnvHttpProxyAgent, fetch: proxied } = await import("undici");
  const dispatcher = new EnvHttpProxyAgent(patient ? { headersTimeout: 0, bodyTimeout: 0 } : {});
  const options = { ...init, dispatcher } as UndiciRequestInit;
  return (await proxied(url, options)) as unknown as Response;
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

async function runCaptured(
  command: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<ProcessResult> {
  const child = spawn(command, args, {
    env: options.env,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const lines = lineSplitter(options.onLine);
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
      lines(text);
    });
  }
  if (options.input !== undefined) {
    // A child that dies before it has read everything is judged by its exit code.
    child.stdin?.on("error", () => {}).end(options.input);
  }
  const exitCode = await ending(command, child, options.timeoutSeconds);
  return { exitCode, ...output };
}

async function runLogged(
  command: string,
  args: readonly string[],
  options: ProcessOptions,
  file: string,
): Promise<ProcessResult> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, "", { mode: 0o600 });
  const log = openSync(file, "a");
  const child = spawn(command, args, {
    env: options.env,
    stdio: ["ignore", log, log],
    // A group of its own, which no terminal interrupts and nobody kills along with this one.
    detached: true,
  });
  const stopTail = tail(file, lineSplitter(options.onLine));
  try {
    const exitCode = await ending(command, child, options.timeoutSeconds);
    return { exitCode, stdout: readFileSync(file, "utf8"), stderr: "" };
  } finally {
    stopTail();
    closeSync(log);
  }
}

function ending(
  command: string,
  child: ChildProcess,
  timeoutSeconds = MAX_SECONDS,
): Promise<number> {
  const stopPassing = passSignals(child);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = child.kill("SIGKILL");
  }, timeoutSeconds * 1000);
  return new Promise<number>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve(NOT_FOUND);
      else reject(new Error(`${command} could not be started: ${error.message}`, { cause: error }));
    });
    child.on("close", (code, signal) => {
      endedBy(signal);
      const interrupted = interruption();
      if (interrupted) reject(interrupted);
      else resolve(timedOut ? TIMED_OUT : (code ?? 1));
    });
  }).finally(() => {
    clearTimeout(timer);
    stopPassing();
  });
}

function tail(file: string, take: (text: string) => void): () => void {
  const descriptor = openSync(file, "r");
  let position = 0;
  const readNew = () => {
    const length = fstatSync(descriptor).size - position;
    if (length <= 0) return;
    const buffer = Buffer.alloc(length);
    position += readSync(descriptor, buffer, 0, length, position);
    take(buffer.toString("utf8"));
  };
  const timer = setInterval(readNew, TAIL_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    readNew();
    closeSync(descriptor);
  };
}

function lineSplitter(onLine: ((line: string) => void) | undefined): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    if (onLine) for (const line of lines) onLine(line);
  };
}
