import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { startPostgres } from "../../../packages/local-cloud/postgres/server.ts";
import {
  CACHE,
  connect,
  descendantsOf,
  haveEnded,
  isToBeHad,
  makeFolder,
  optionsWith,
  serveAs,
  start,
  VERSION,
} from "./_world.ts";

const NOBODY = 65_534;
const AS_NOBODY = [
  ...["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"],
  ...["--inh-caps=+dac_override", "--ambient-caps=+dac_override"],
];
const isRoot = process.platform === "linux" && process.getuid?.() === 0;

afterEach(() => {
  vi.unstubAllEnvs();
});

/** As on a machine where these programs may not do what they do. */
function forbid(...programs: string[]): void {
  const folder = makeFolder();
  for (const program of programs) {
    const content = `#!/bin/sh\necho ${program}: not permitted >&2; exit 1\n`;
    writeFileSync(join(folder, program), content, { mode: 0o755 });
  }
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
}

describe.skipIf(!isRoot || !(await isToBeHad(VERSION)))("a PostgreSQL of root's", () => {
  // Everybody can enter it: a program is not run as nobody out of a folder that is closed.
  let cache = "";

  beforeAll(() => {
    cache = mkdtempSync("/tmp/postgres-");
    chmodSync(cache, 0o755);
    for (const name of readdirSync(CACHE).filter((name) => /^postgres-.*\d$/.test(name))) {
      cpSync(join(CACHE, name), join(cache, name), { recursive: true, verbatimSymlinks: true });
    }
  });

  afterAll(() => rmSync(cache, { recursive: true }));

  test("is nobody's, or root's under another name, with the same data", async () => {
    const directory = join(makeFolder(), "postgres");
    const owners: number[] = [];
    for (const forbidden of ["unshare", "setpriv", "unshare"]) {
      vi.unstubAllEnvs();
      forbid(forbidden);
      const server = await start({ directory, cache });
      const sql = connect(server);
      if (owners.length === 0) await sql`CREATE TABLE starts (number serial)`;
      owners.push(statSync(directory).uid);
      expect(await sql`INSERT INTO starts DEFAULT VALUES RETURNING number`).toEqual([
        { number: owners.length },
      ]);
      await server.close();
    }

    expect(owners).toEqual([NOBODY, 0, NOBODY]);
  });

  test("says what to do where root cannot be anybody else", async () => {
    forbid("setpriv", "unshare");
    const starting = startPostgres(optionsWith({}));

    await expect(starting).rejects.toThrow(
      /^PostgreSQL does not run as root, and neither `setpriv` nor `unshare` could start \S+\/initdb as nobody\. Start this as another user, or set DATABASE_URL in \.env\.local to a database of your own\. Its last lines:\n {2}setpriv: not permitted\n {2}unshare: not permitted$/,
    );
  });

  test("works for another user, too", async () => {
    const directory = join(makeFolder(), "postgres");
    const owner = await serveAs(AS_NOBODY, cache, cache, String(VERSION), directory);
    const processes = descendantsOf(owner.process.pid);

    expect(await connect(owner)`SELECT 1 AS one`).toEqual([{ one: 1 }]);
    expect(statSync(directory).uid).toBe(NOBODY);

    owner.process.kill("SIGKILL");
    await haveEnded(processes);
    // It was told to end, although there was a connection, and was not killed.
    expect(existsSync(join(directory, "postmaster.pid"))).toBe(false);
  });
});
