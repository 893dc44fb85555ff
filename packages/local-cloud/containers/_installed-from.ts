import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";

const MAX_TEXT_BYTES = 1024 * 1024;
const DESCRIPTIONS = ["pyproject.toml", "setup.py", "setup.cfg"];
// What lies beside a package's sources without being one of them.
const NOT_SOURCES =
  /^(\..*|node_modules|__pycache__|venv|build|dist|cdktf\.out|.*\.(pyc|egg-info|sqlite3.*))$/;

/**
 * A hash over the files that decide what gets installed: the one that is named, and whatever it may
 * lead to. They are not understood here, only looked at: a word that is the name of a file counts.
 * One too many makes an environment once more than was needed.
 */
export function hashLeadingTo(source: string, file: string): string {
  const seen = new Map<string, Buffer>();
  follow(resolve(source, file), resolve(source), seen);
  for (const name of ["pyproject.toml", ".python-version"]) {
    const path = join(source, name);
    if (file.endsWith("uv.lock") && isFile(path)) seen.set(path, readFileSync(path));
  }
  const hash = createHash("sha256");
  for (const [path, content] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${path} ${content.length} `).update(content);
  }
  return hash.digest("hex").slice(0, 12);
}

function follow(path: string, source: string, seen: Map<string, Buffer>): void {
  if (seen.has(path)) return;
  const content = readFileSync(path);
  seen.set(path, content);
  // A lock file leads nowhere that its tool would not record.
  if (path.endsWith(".lock") || content.length > MAX_TEXT_BYTES) return;
  const text = decode(content);
  if (text.includes("\0")) return;
  for (const name of namesIn(text)) {
    for (const folder of [dirname(path), source]) {
      const found = resolve(folder, name);
      if (isFile(found)) follow(found, source, seen);
    }
  }
}

/** Words, and what follows an option to the end of its line, since names may hold spaces. */
function namesIn(text: string): Set<string> {
  const names = text.split(/[\r\n]+/).flatMap((line) => {
    const plain = line.replaceAll("\\ ", " ").trim();
    const words = plain.split(/[\s"'=,;()[\]{}<>@]+/);
    const [, rest = ""] = /^-\S*?[\s=]+["']?(.*?)["']?$/.exec(plain) ?? [];
    return plain.startsWith("-") ? [...words, rest] : words.filter((word) => /[./]/.test(word));
  });
  // Sources change all the time, and install nothing.
  return new Set(names.filter((name) => name !== "" && !/(?<!setup)\.py$|:\/\//.test(name)));
}

// As pip does, by the mark at the beginning.
function decode(content: Buffer): string {
  const [first, second] = content;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(content);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(content);
  return content.toString();
}

const installedSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));
const recordSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    url: v.string(),
    dir_info: v.optional(v.object({ editable: v.optional(v.boolean()) })),
  }),
);

/** Local files and folders that were installed, each with a hash of what it held. */
export type Installed = Readonly<Record<string, string>>;

/**
 * What an environment was created from that is on this machine, by its own records.
 *
 * @see https://packaging.python.org/en/latest/specifications/direct-url/
 */
export function listInstalled(environment: string): Installed {
  const found = packageFolders(environment).flatMap((folder) =>
    readdirSync(folder)
      .map((name) => join(folder, name, "direct_url.json"))
      .filter(isFile),
  );
  return Object.fromEntries(found.flatMap(readRecord));
}

/**
 * Whether what was installed is still what lies there.
 *
 * @param text JSON of what {@link listInstalled} returned
 */
export function isUnchanged(text: string): boolean {
  return Object.entries(v.parse(installedSchema, text)).every(
    ([key, hash]) => hashOf(key) === hash,
  );
}

function packageFolders(environment: string): string[] {
  const lib = join(environment, "lib");
  if (!existsSync(lib)) return [];
  return readdirSync(lib)
    .map((name) => join(lib, name, "site-packages"))
    .filter(existsSync);
}

function readRecord(file: string): [string, string][] {
  const { url, dir_info: folder } = v.parse(recordSchema, readFileSync(file, "utf8"));
  if (!url.startsWith("file:")) return [];
  // Who changes an editable package runs what they wrote; only its description installs anything.
  const key = `${folder?.editable ? "description" : "content"} ${fileURLToPath(url)}`;
  return [[key, hashOf(key)]];
}

function hashOf(key: string): string {
  const [, what, path = ""] = /^(\w+) (.*)$/s.exec(key) ?? [];
  const files = what === "description" ? descriptionsOf(path) : filesBelow(path);
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`${file} ${content.length} `).update(content);
  }
  return hash.digest("hex");
}

function descriptionsOf(folder: string): string[] {
  return DESCRIPTIONS.map((name) => join(folder, name)).filter(isFile);
}

function filesBelow(path: string): string[] {
  if (isFile(path)) return [path];
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => !NOT_SOURCES.test(name))
    .flatMap((entry) => {
      const below = join(path, entry.name);
      if (entry.isDirectory()) return filesBelow(below);
      return entry.isFile() ? [below] : [];
    })
    .sort();
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Nor is what can be no path.
    return false;
  }
}
