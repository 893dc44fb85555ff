import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startPostgres } from "../../../packages/local-cloud/postgres/server.ts";
import { connect, isToBeHad, makeFolder, optionsWith, start, VERSION } from "./_world.ts";

describe.skipIf(!(await isToBeHad(VERSION)))("a folder with the data of a PostgreSQL", () => {
  test("keeps them, for whatever user, password and database the next start has", async () => {
    const directory = join(makeFolder(), "data", "postgres");
    const first = await start({ directory });
    await connect(first)`CREATE TABLE goods (name text)`;
    await first.close();

    const second = await start({ directory, password: "another" });
    await connect(second, { password: "another" })`INSERT INTO goods VALUES ('кот')`;
    await second.close();
    const third = await start({ directory, database: "more", user: "more" });

    expect(await connect(third, { database: "more", user: "more" })`SELECT 1 AS one`).toEqual([
      { one: 1 },
    ]);
    const sql = connect(third, { password: "another" });
    expect(await sql`SELECT name FROM goods`).toEqual([{ name: "кот" }]);
  });

  test("is made anew where making it was cut short", async () => {
    const directory = join(makeFolder(), "postgres");
    mkdirSync(`${directory}.new`);
    writeFileSync(join(`${directory}.new`, "PG_VERSION"), "half");

    const sql = connect(await start({ directory }));

    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }]);
    expect(existsSync(`${directory}.new`)).toBe(false);
  });

  test("is one process's at a time", async () => {
    const directory = join(makeFolder(), "postgres");
    await start({ directory });

    await expect(startPostgres(optionsWith({ directory }))).rejects.toThrow(
      `${directory}.lock: process ${process.pid} uses this folder. Stop it, or choose another folder; if it is not a local cloud, remove the file.`,
    );
  });

  test("is free again after a start that failed", async () => {
    const directory = join(makeFolder(), "postgres");
    mkdirSync(directory);
    writeFileSync(join(directory, "notes.txt"), "");

    await expect(startPostgres(optionsWith({ directory }))).rejects.toThrow(
      `${directory} is not empty, and has no data of PostgreSQL. Choose another folder.`,
    );
    expect(existsSync(`${directory}.lock`)).toBe(false);
    expect(existsSync(join(directory, "notes.txt"))).toBe(true);
  });

  test("does not show the password where it cannot be set", async () => {
    const directory = join(makeFolder(), "postgres");
    const password = "planted-password";
    const failure = await startPostgres(
      optionsWith({ directory, user: "pg_shop", password }),
    ).catch((error: Error) => error.message);

    expect(failure).toMatch(
      /postgres: the database could not be set up\. Its last lines:\n(.*\n)*.*reserved/,
    );
    expect(failure).not.toContain(password);
  });

  test("is of one major version", async () => {
    const directory = join(makeFolder(), "postgres");
    mkdirSync(directory);
    writeFileSync(join(directory, "PG_VERSION"), "14\n");

    await expect(startPostgres(optionsWith({ directory }))).rejects.toThrow(
      `${directory} has the data of PostgreSQL 14, which PostgreSQL ${VERSION} does not read. Set 'postgres.version' in config.ts to 14 again, or remove the folder to start with an empty database. What is to be kept has to be written out before, with version 14 running: \`pg_dump\`, or \`manage.py dumpdata\`.`,
    );
  });

  test("can be used although the number of a server that died is another process's", async () => {
    const directory = join(makeFolder(), "postgres");
    await (await start({ directory })).close();
    // Of the user who owns the data: PostgreSQL ignores all others.
    const { uid, gid } = statSync(directory);
    const stranger = spawn("sleep", ["1000"], { uid, gid });
    onTestFinished(() => void stranger.kill("SIGKILL"));
    const file = join(directory, "postmaster.pid");
    writeFileSync(file, `${stranger.pid}\n`);

    await connect(await start({ directory }))`SELECT 1`;

    expect(readFileSync(file, "utf8")).not.toMatch(`${stranger.pid}`);
    expect(stranger.exitCode).toBeNull();
  });
});
