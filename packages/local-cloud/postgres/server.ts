import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "../support/listen.ts";
import type { ProcessCommand } from "../support/owned-process.ts";
import { checkData, type Database, prepareData } from "./_data.ts";
import { type DataFolder, keepIn, throwAway } from "./_data-folder.ts";
import type { FetchOptions } from "./_npm-package.ts";
import { type Postmaster, startPostmaster } from "./_postmaster.ts";
import { findPrograms, type Programs } from "./_programs.ts";

/** Which server to start, with what in it. */
export interface PostgresOptions extends FetchOptions, Database {
  /** Folder that keeps the data. Without it they are thrown away. */
  readonly directory?: string | undefined;
  /** Port to try first, 0 for any. */
  readonly port: number;
}

/** A server that runs. */
export interface Postgres {
  /** The loopback address. */
  readonly host: string;
  readonly port: number;
  /** Ends it; no process is left. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
/** What another server on the port and the connections of one that has just died have in common. */
const PASSES = /Address already in use|pre-existing shared memory block/;
const TRIES = 50;
const WAIT_MS = 200;

/**
 * Starts a real PostgreSQL of a major version: the machine's own, or one that is fetched.
 * It is started again if it dies.
 *
 * @throws Error when there is none, or the folder's data are another version's or in use
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { version, directory, cache, signal } = options;
  const data = directory === undefined ? throwAway(cache) : keepIn(directory);
  try {
    checkData(data.path, version);
    const programs = await findPrograms(options);
    await prepareData(data, programs, options, signal);
    return await run(programs, data, options);
  } catch (error) {
    data.release();
    signal.throwIfAborted();
    throw error;
  }
}

async function run(
  programs: Programs,
  data: DataFolder,
  { port: wanted, progress, signal }: PostgresOptions,
): Promise<Postgres> {
  const closing = new AbortController();
  const abort = () => closing.abort();
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  let port = 0;
  const start = async () => {
    port = await findPort(wanted);
    return await startPostmaster(commandOf(programs, data, port), closing.signal);
  };
  const first = await patiently(start);
  signal.removeEventListener("abort", abort);
  const again = () => startPostmaster(commandOf(programs, data, port), closing.signal);
  const running = keepRunning(first, again, progress, closing.signal);
  return {
    host: HOST,
    port,
    async close() {
      closing.abort();
      await running;
      data.release();
    },
  };
}

async function keepRunning(
  first: Postmaster,
  again: () => Promise<Postmaster>,
  progress: (step: string) => void,
  closing: AbortSignal,
): Promise<void> {
  try {
    for (let { ended } = first; ; { ended } = await patiently(again)) {
      const { text } = await ended;
      if (closing.aborted) return;
      progress(`PostgreSQL ${text}, and is started again`);
    }
  } catch (error) {
    if (!closing.aborted) progress(error instanceof Error ? error.message : String(error));
  }
}

async function patiently(start: () => Promise<Postmaster>): Promise<Postmaster> {
  for (let tries = TRIES; ; tries--) {
    try {
      return await start();
    } catch (error) {
      if (tries === 0 || !PASSES.test(String(error))) throw error;
    }
    await sleep(WAIT_MS);
  }
}

function commandOf(programs: Programs, { path, isKept }: DataFolder, port: number): ProcessCommand {
  const settings = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: "",
    logging_collector: "off",
    log_destination: "stderr",
    // What is thrown away need not outlive the machine.
    ...(isKept ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return programs.command("postgres", ["-D", path, ...args]);
}

/** The port, or the first after it on which nobody listens. */
async function findPort(wanted: number): Promise<number> {
  const { port, close } = await listen(() => {}, wanted);
  await close();
  return port;
}
