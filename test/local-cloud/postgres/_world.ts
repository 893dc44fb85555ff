import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";
import postgres from "postgres";
import { expect, onTestFinished } from "vitest";
import { findPrograms } from "../../../packages/local-cloud/postgres/_programs.ts";
import {
  type PostgresOptions,
  startPostgres,
} from "../../../packages/local-cloud/postgres/server.ts";
import { ROOT } from "../../support/sources.ts";
import { alive } from "../containers/_world.ts";
import { DATABASE } from "./_database.ts";

/** The newest version; which tests run with another one say so. */
export const VERSION = 18;
/** What is fetched stays for later runs. */
export const CACHE = join(ROOT, "node_modules", ".cache", "local-cloud");

/** Whether a version is on this machine, or can be fetched. In CI it has to be. */
export async function isToBeHad(version: number): Promise<boolean> {
  try {
    await findPrograms(optionsWith({ version }));
    return true;
  } catch (error) {
    if (process.env.CI) throw error;
    console.error(`Tests with PostgreSQL ${version} are skipped: ${String(error)}`);
    return false;
  }
}

export function optionsWith(options: Partial<PostgresOptions>): PostgresOptions {
  return {
    ...DATABASE,
    ...{ version: VERSION, cache: CACHE, port: 0 },
    progress: () => {},
    signal: new AbortController().signal,
    ...options,
  };
}

/** A server that ends with the test, unless that has ended it. */
export async function start(options: Partial<PostgresOptions> = {}) {
  const server = await startPostgres(optionsWith(options));
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= server.close();
    return closed;
  };
  onTestFinished(close);
  return { ...server, close };
}

/** A client of the database's owner, by default. */
export function connect(
  { host, port }: { readonly host?: string; readonly port: number },
  options: postgres.Options<Record<string, never>> = {},
) {
  const { database, user, password } = DATABASE;
  const sql = postgres({ host: host ?? "127.0.0.1", port, database, user, password, ...options });
  onTestFinished(() => sql.end({ timeout: 0 }));
  return sql;
}

/** An empty folder for the test. */
export function makeFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "postgres-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A cache of the test's own, with what is fetched in it already. */
export function makeCache(): string {
  const cache = makeFolder();
  for (const name of readdirSync(CACHE).filter((name) => /^postgres-.*\d$/.test(name))) {
    symlinkSync(join(CACHE, name), join(cache, name));
  }
  return cache;
}

/** A server that a process of its own has started. */
export interface Owner {
  readonly process: ChildProcess;
  readonly port: number;
}

/** Runs _serve.ts. */
export function serve(...args: readonly string[]): Promise<Owner> {
  return serveBy([process.execPath, "run.mjs", "test/local-cloud/postgres/_serve.ts", ...args]);
}

/** Runs it as a user who may not read the sources, in a folder that this user can enter. */
export function serveAs(
  prefix: readonly string[],
  folder: string,
  ...args: readonly string[]
): Promise<Owner> {
  const outfile = join(folder, "serve.mjs");
  const entry = join(ROOT, "test/local-cloud/postgres/_serve.ts");
  const shape = { bundle: true, platform: "node", format: "esm" } as const;
  buildSync({ ...shape, entryPoints: [entry], outfile });
  return serveBy([...prefix, process.execPath, outfile, ...args]);
}

async function serveBy([program = "", ...args]: readonly string[]): Promise<Owner> {
  const owner = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void owner.kill("SIGKILL"));
  const ended = once(owner, "exit").then(([code]) => Promise.reject(new Error(`exit ${code}`)));
  const [line] = await Promise.race([
    once(createInterface({ input: owner.stdout }), "line"),
    ended,
  ]);
  return { process: owner, port: Number(line) };
}

/** The processes that a process has started, and those that these have started. */
export function descendantsOf(pid: number | undefined): number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim();
  const all = rows.split("\n").map((row) => row.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    all.flatMap(([child = 0, of]) => (of === parent ? [child, ...below(child)] : []));
  return below(pid ?? 0);
}

/** Resolves once none of these processes is left. */
export async function haveEnded(pids: readonly number[]): Promise<void> {
  await expect.poll(() => pids.filter(alive)).toEqual([]);
}
