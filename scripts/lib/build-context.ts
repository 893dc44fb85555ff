import { createHash, type Hash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { UserError } from "./user-error.ts";

/** What decides an image's content. */
export interface BuildInput {
  /** Folder with the sources. */
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  /** Further folders that the Dockerfile copies from. */
  readonly further?: readonly string[];
}

/**
 * A hash of everything that `docker build` gets to see: names, contents, links and the executable
 * bit of the files that `.dockerignore` leaves in. Times and owners do not count.
 */
export function hashContext({ context, dockerfile, further = [] }: BuildInput): string {
  if (!existsSync(join(context, dockerfile))) {
    throw new UserError(
      `${join(context, dockerfile)} does not exist. Set 'image' in config.ts to where the Dockerfile is.`,
    );
  }
  const hash = createHash("sha256");
  for (const folder of [context, ...further]) addFolder(hash, folder, dockerfile);
  return hash.update(`dockerfile ${dockerfile}`).digest("hex");
}

function addFolder(hash: Hash, folder: string, dockerfile: string): void {
  if (!existsSync(folder)) {
    throw new UserError(`${folder} does not exist. The image is built from it too: restore it.`);
  }
  const ignored = ignoreFilter(readIgnoreFile({ context: folder, dockerfile }));
  for (const file of listFiles(folder)) {
    if (file === dockerfile || !ignored(file)) addFile(hash, folder, file);
  }
}

/** Refuses a context that would hand the state, which may hold a key, to docker and into the image. */
export function refuseState(input: BuildInput, stateDirectory: string): void {
  const path = relative(input.context, stateDirectory).split(sep).join("/");
  if (path.startsWith("..")) return;
  const file = findIgnoreFile(input) ?? join(input.context, ".dockerignore");
  // Every file in it must be out: the name stands for any stage.
  if (ignoreFilter(readIgnoreFile(input))(`${path}/stage/app.tfstate`)) return;
  throw new UserError(
    `The image's sources in ${input.context} include ${path}, which holds the state with its keys. Write a line "${path}" into ${file} ("cdktf.out" and "node_modules" belong there too).`,
  );
}

/**
 * Whether a path of the context is left out, by the rules of `.dockerignore`: patterns are anchored
 * at the context, `**` spans folders, `!` takes a path back in, and the last match counts.
 */
export function ignoreFilter(text: string): (path: string) => boolean {
  const patterns = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({
      takesBack: line.startsWith("!"),
      matches: compile(line.replace(/^!/, "").trim()),
    }));
  return (path) => {
    const chain = withParents(path);
    const last = patterns.findLast(({ matches }) => chain.some((part) => matches.test(part)));
    return last !== undefined && !last.takesBack;
  };
}

function readIgnoreFile(input: BuildInput): string {
  const file = findIgnoreFile(input);
  return file === undefined ? "" : readFileSync(file, "utf8");
}

function findIgnoreFile({ context, dockerfile }: BuildInput): string | undefined {
  const files = [join(context, `${dockerfile}.dockerignore`), join(context, ".dockerignore")];
  return files.find((candidate) => existsSync(candidate));
}

function compile(pattern: string): RegExp {
  const clean = pattern.replace(/^\.?\/+/, "").replace(/\/+$/, "");
  const source = clean.replace(/\*\*\/|\*\*|\*|\?|\\.|\[[^\]]*\]|[.+^${}()|[\]\\]/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (/^(\\.|\[.+\])$/.test(part)) return part;
    return `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}

function withParents(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

function listFiles(directory: string, prefix = ""): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory()
        ? listFiles(join(directory, entry.name), `${prefix}${entry.name}/`)
        : [prefix + entry.name],
    )
    .sort();
}

// Every part is preceded by its length, so that no two contexts give the same stream of bytes.
function addFile(hash: Hash, context: string, file: string): void {
  const path = join(context, file);
  const stat = lstatSync(path);
  const content = stat.isSymbolicLink() ? readlinkSync(path) : readFileSync(path);
  const kind = stat.isSymbolicLink() ? "link" : (stat.mode & 0o100) === 0 ? "file" : "program";
  hash.update(`${kind} ${file.length} ${file} ${content.length} `).update(content);
}
