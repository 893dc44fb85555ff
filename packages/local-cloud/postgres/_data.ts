import { execFile } from "node:child_process";
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ProgramResult, runProgram, withLastLines } from "../support/run-program.ts";
import { type DataFolder, draftOf, isServed, pidFileOf } from "./_data-folder.ts";
import type { Programs } from "./_programs.ts";
import { versionOfData } from "./_version.ts";

/** A database and the user who owns it. */
export interface Database {
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

// Nobody logs in as the one who may do everything.
const SUPERUSER = "postgres";
const ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n";
/** The managed service's `conn_limit`, where nothing is said about it. */
const CONNECTIONS = 50;
// Longer than the grace that the server of a killed run has.
const LONGEST_END_MS = 5000;
const POLL_MS = 100;

/**
 * @throws Error where the folder has something else than data of that major version
 */
export function checkData(path: string, version: number): void {
  const found = versionOfData(path);
  if (found === version || !existsSync(path)) return;
  if (found !== undefined) {
    throw new Error(
      `${path} has the data of PostgreSQL ${found}, which PostgreSQL ${version} does not read. Set 'postgres.version' in config.ts to ${found} again, or remove the folder to start with an empty database. What is to be kept has to be written out before, with version ${found} running: \`pg_dump\`, or \`manage.py dumpdata\`.`,
    );
  }
  if (readdirSync(path).length > 0) {
    throw new Error(`${path} is not empty, and has no data of PostgreSQL. Choose another folder.`);
  }
}

/** Makes the data where there are none, and in them the database and its owner. */
export async function prepareData(
  { path, isKept }: DataFolder,
  programs: Programs,
  database: Database,
  signal: AbortSignal,
): Promise<void> {
  if (versionOfData(path) === undefined) await create(path, programs, isKept, signal);
  else await waitForEarlier(path, signal);
  await programs.own(path);
  await define(path, programs, database);
}

async function create(path: string, programs: Programs, isKept: boolean, signal: AbortSignal) {
  const draft = draftOf(path);
  rmSync(draft, { recursive: true, force: true });
  // As the managed service's are, where nothing is said about it.
  const locale = ["--encoding=UTF8", "--locale=C"];
  const { program, args, ...options } = programs.command("initdb", [
    ...[`--pgdata=${draft}`, `--username=${SUPERUSER}`, ...locale, "--auth=reject"],
    ...["--no-instructions", ...(isKept ? [] : ["--no-sync"])],
  ]);
  const { code, lines } = await runProgram(program, args, { ...options, signal });
  signal.throwIfAborted();
  if (code !== 0) throw failed(path, `initdb exited with code ${code}`, lines);
  writeFileSync(join(draft, "pg_hba.conf"), ACCESS);
  renameSync(draft, path);
}

/** Waits until the server of a run that was killed has ended. */
async function waitForEarlier(path: string, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < LONGEST_END_MS; waited += POLL_MS) {
    if (!isServed(path)) return;
    await sleep(POLL_MS, undefined, { signal });
  }
  // The number is another process's. Were it not, memory that both would share makes a start fail.
  rmSync(pidFileOf(path), { force: true });
}

/** There is no client here, but the server itself takes statements from its standard input. */
async function define(path: string, programs: Programs, wanted: Database): Promise<void> {
  const user = nameOf(wanted.user);
  const database = nameOf(wanted.database);
  const statements = [
    `CREATE ROLE ${user}`,
    `ALTER ROLE ${user} LOGIN CONNECTION LIMIT ${CONNECTIONS} PASSWORD ${textOf(wanted.password)}`,
    `CREATE DATABASE ${database}`,
    `ALTER DATABASE ${database} OWNER TO ${user}`,
  ];
  const { code, lines } = await feed(programs, path, statements);
  const failures = lines.filter((line) => /(ERROR|FATAL|PANIC): /.test(line));
  const isDone = failures.every((line) => line.endsWith("already exists"));
  if (code !== 0 || !isDone) throw failed(path, "the database could not be set up", lines);
}

function feed(programs: Programs, path: string, statements: readonly string[]) {
  const { program, args, cwd, env } = programs.command("postgres", [
    ...["--single", "-D", path],
    // Or the password would be among the lines.
    ...["-c", "log_min_error_statement=panic", SUPERUSER],
  ]);
  return new Promise<ProgramResult>((done) => {
    const child = execFile(program, args, { cwd, env }, (error, _output, messages) =>
      done({ code: error === null ? 0 : (child.exitCode ?? 1), lines: messages.split("\n") }),
    );
    // It breaks when the program ends first.
    child.stdin?.on("error", () => {});
    child.stdin?.end(`${statements.join("\n")}\n`);
  });
}

function failed(path: string, what: string, lines: readonly string[]): Error {
  return new Error(withLastLines(`${path}: ${what}.`, lines));
}

function nameOf(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function textOf(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
