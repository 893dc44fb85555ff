import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DATABASE } from "./_database.ts";
import {
  connect,
  descendantsOf,
  haveEnded,
  isToBeHad,
  makeCache,
  serve,
  start,
  VERSION,
} from "./_world.ts";

describe.skipIf(!(await isToBeHad(VERSION)))("a local PostgreSQL", () => {
  test("is of that version, and has a user who owns the database and nothing else", async () => {
    const sql = connect(await start());
    await sql`CREATE TABLE goods (name text)`;

    expect(await sql`SHOW server_version`).toEqual([
      { server_version: expect.stringMatching(`^${VERSION}[.]`) },
    ]);
    expect(
      await sql`SELECT rolsuper, rolcreatedb, rolcreaterole, rolconnlimit FROM pg_roles WHERE rolname = CURRENT_USER`,
    ).toEqual([{ rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolconnlimit: 50 }]);
    await expect(sql`CREATE DATABASE other`).rejects.toThrow("permission denied");
  });

  test("sorts and compares letters as the managed service does by default", async () => {
    const sql = connect(await start());

    expect(
      await sql`SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datctype FROM pg_database WHERE datname = ${DATABASE.database}`,
    ).toEqual([{ encoding: "UTF8", datcollate: "C", datctype: "C" }]);
  });

  test("lets in who has the password, from this machine only", async () => {
    const server = await start();

    expect(await connect(server)`SHOW listen_addresses`).toEqual([
      { listen_addresses: "127.0.0.1" },
    ]);
    await expect(connect(server, { password: "" })`SELECT 1`).rejects.toThrow();
    await expect(connect(server, { password: "another" })`SELECT 1`).rejects.toThrow(
      "password authentication failed",
    );
    await expect(connect(server, { user: "postgres" })`SELECT 1`).rejects.toThrow(
      "password authentication failed",
    );
  });

  test("takes the next port where the first is taken, also by another that starts now", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    const address = server.address();
    const taken = typeof address === "object" && address !== null ? address.port : 0;

    const [one, other] = await Promise.all([start({ port: taken }), start({ port: taken })]);
    server.close();

    expect(one.port).toBeGreaterThan(taken);
    expect(other.port).toBeGreaterThan(taken);
    expect(other.port).not.toBe(one.port);
    await Promise.all([one, other].map((server) => connect(server)`SELECT 1`));
  });

  test("leaves nothing behind without a folder, and removes what a killed one has left", async () => {
    const cache = makeCache();
    const owner = await serve(cache, String(VERSION));
    const processes = descendantsOf(owner.process.pid);
    owner.process.kill("SIGKILL");
    await haveEnded(processes);
    expect(readdirSync(join(cache, "postgres-data"))).toHaveLength(2);

    const server = await start({ cache });
    expect(readdirSync(join(cache, "postgres-data"))).toHaveLength(2);
    await server.close();

    expect(readdirSync(join(cache, "postgres-data"))).toEqual([]);
  });
});
