import { EventEmitter, once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startPostgres } from "../../../packages/local-cloud/postgres/server.ts";
import {
  connect,
  descendantsOf,
  haveEnded,
  isToBeHad,
  makeCache,
  makeFolder,
  optionsWith,
  serve,
  start,
  VERSION,
} from "./_world.ts";

const AGAIN = "PostgreSQL was killed by signal 9, and is started again";

describe.skipIf(!(await isToBeHad(VERSION)))("a local PostgreSQL", () => {
  test("ends when its owner is killed, with what is under way in it; the data are there", async () => {
    const cache = makeCache();
    const directory = join(cache, "postgres");
    const owner = await serve(cache, String(VERSION), directory);
    const sql = connect(owner);
    await sql`CREATE TABLE goods AS SELECT generate_series(1, 1000) AS id`;
    const busy = sql`SELECT count(*) FROM generate_series(1, 1000000000)`;
    busy.catch(() => {});
    const another = connect(owner);
    await expect
      .poll(
        () =>
          another`SELECT FROM pg_stat_activity WHERE query LIKE '%1000000000%' AND pid <> pg_backend_pid()`,
      )
      .toHaveLength(1);
    const processes = descendantsOf(owner.process.pid);

    owner.process.kill("SIGKILL");
    await once(owner.process, "exit");
    const server = await start({ cache, directory });

    expect(await connect(server)`SELECT count(*)::int AS count FROM goods`).toEqual([
      { count: 1000 },
    ]);
    await haveEnded(processes);
    await expect(busy).rejects.toThrow();
  });

  test("starts again on its port when it is killed, with all that was committed", async () => {
    const directory = join(makeFolder(), "postgres");
    const steps: string[] = [];
    const server = await start({ directory, progress: (step) => steps.push(step) });
    const sql = connect(server, { connect_timeout: 1 });
    await sql`CREATE TABLE goods AS SELECT generate_series(1, 1000) AS id`;

    const killed = killServer(directory);
    const count = () =>
      sql`SELECT count(*)::int AS count FROM goods`.then(([row]) => row?.count).catch(() => {});

    await expect.poll(() => steps).toEqual([AGAIN]);
    await expect.poll(count).toBe(1000);
    expect(readServer(directory)).not.toBe(killed);
    await server.close();
    expect(readServer(directory)).toBe("");
    expect(steps).toEqual([AGAIN]);
  });

  test("says why it cannot be started again", async () => {
    const directory = join(makeFolder(), "postgres");
    const steps: string[] = [];
    const server = await start({ directory, progress: (step) => steps.push(step) });
    rmSync(join(directory, "global", "pg_control"));

    killServer(directory);

    await expect.poll(() => steps).toHaveLength(2);
    expect(steps[1]).toMatch(
      /^PostgreSQL exited with code \d\. Its last lines:\n(.*\n)*.*pg_control/,
    );
    await server.close();
  });

  test("starts again once its port is free, where another program has taken it", async () => {
    const directory = join(makeFolder(), "postgres");
    const taken = createServer();
    const failures: string[] = [];
    const progress = (step: string) => {
      if (step === AGAIN) taken.listen(server.port, server.host);
      else failures.push(step);
    };
    const server = await start({ directory, progress });
    const tries = new Set([killServer(directory)]);

    await expect
      .poll(() => tries.add(readServer(directory)).size, { interval: 1 })
      .toBeGreaterThan(3);
    taken.close();

    await expect.poll(() => connect(server)`SELECT 1 AS one`.catch(() => {})).toEqual([{ one: 1 }]);
    expect(failures).toEqual([]);
  });

  test("is closed while it starts again", async () => {
    const before = descendantsOf(process.pid);
    const steps = new EventEmitter();
    const failures: string[] = [];
    const progress = (step: string) => {
      if (step === AGAIN) steps.emit("again");
      else failures.push(step);
    };
    const directory = join(makeFolder(), "postgres");
    const server = await start({ directory, progress });

    killServer(directory);
    await once(steps, "again");
    await server.close();

    expect(failures).toEqual([]);
    await haveEnded(descendantsOf(process.pid).filter((pid) => !before.includes(pid)));
  });

  test.each([
    ["before it starts", () => true],
    ["while its folder is filled", (cache: string) => listData(cache).join().includes(".new")],
    ["when its folder is full", (cache: string) => findData(cache) !== undefined],
    ["just before it takes connections", isStarting],
  ])("is called off %s, and leaves nothing", async (_when, isTime) => {
    const cache = makeCache();
    const stop = new AbortController();
    const look = () => isTime(cache) && stop.abort();
    const timer = setInterval(look, 1);
    look();

    await expect(startPostgres(optionsWith({ cache, signal: stop.signal }))).rejects.toThrow(
      "This operation was aborted",
    );
    clearInterval(timer);

    expect(listData(cache)).toEqual([]);
  });
});

function listData(cache: string): string[] {
  const folder = join(cache, "postgres-data");
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The folder with data that are complete. */
function findData(cache: string): string | undefined {
  const name = listData(cache).find((name) => !/\.(lock|new)$/.test(name));
  return name === undefined ? undefined : join(cache, "postgres-data", name);
}

function isStarting(cache: string): boolean {
  // The one that only sets up the database writes a minus.
  return /^\d/.test(readServer(findData(cache) ?? cache));
}

/** Kills the server that works on a folder. Returns its file. */
function killServer(directory: string): string {
  const content = readServer(directory);
  process.kill(Number.parseInt(content, 10), "SIGKILL");
  return content;
}

/** The file in which a server writes its process id and more; empty where none works on the folder. */
function readServer(directory: string): string {
  const file = join(directory, "postmaster.pid");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
