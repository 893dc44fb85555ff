import { createHash, type Hash } from "node:crypto";
import {
  closeSync,
  type Dirent,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
} from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { errorCode } from "../../../packages/local-cloud/support/error-code.ts";
import { stageDirectory } from "../../../stacks/directories.ts";
import { SECRETS_FILE } from "../local/paths.ts";
import { UserError } from "../shell/user-error.ts";
import { DockerIgnore } from "./docker-ignore.ts";

/** What decides an image's content. */
export interface BuildInput {
  /** Folder with the sources. */
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  /** Further folders that the image is built from. */
  readonly further?: readonly string[];
}

const CHUNK_BYTES = 1024 * 1024;

/** What an image must not hold, from the project's directory. */
const SECRETS = [
  {
    path: dirname(stageDirectory(undefined)),
    // Stand for whatever is in it: any stage, and any ending.
    inside: ["/any", "/stage/app.tfstate", "/stage/app.tfstate.backup", "/stage/log/any.log"],
    holds: "the state with its keys",
  },
  { path: SECRETS_FILE, inside: [""], holds: "your secrets for local runs" },
];

/**
 * A hash of everything that `docker build` gets to see: names, contents, links and the executable
 * bit of the files that `.dockerignore` leaves in. Times and owners do not count. What it leaves out
 * is never opened or entered.
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

/** @throws UserError if the context would put secrets of this project into the image */
export function refuseSecrets(input: BuildInput, root: string): void {
  if (!existsSync(input.context)) return;
  // Real paths: a context that is a link to the project holds what the project holds.
  const context = realpathSync(input.context);
  const ignore = readIgnoreFile(input);
  const found = SECRETS.map((secret) => ({
    ...secret,
    path: relative(context, realPath(join(root, secret.path)))
      .split(sep)
      .join("/"),
  })).filter(
    ({ path, inside }) =>
      !/^\.\.(\/|$)/.test(path) && !inside.every((name) => ignore.excludes(`${path}${name}`)),
  );
  if (found.length === 0) return;
  const file = findIgnoreFile(input) ?? join(input.context, ".dockerignore");
  const what = found.map(({ path, holds }) => `${path}, which holds ${holds}`).join(", and ");
  const lines = found.map(({ path }) => `a line "${path}"`).join(" and ");
  throw new UserError(
    `The image's sources in ${input.context} include ${what}. Write ${lines} into ${file} ("cdktf.out" and "node_modules" belong there too).`,
  );
}

/** Where a path leads, even if nothing is there yet. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
}

function readIgnoreFile(input: BuildInput): DockerIgnore {
  const file = findIgnoreFile(input);
  if (file === undefined) return new DockerIgnore("");
  return reading(file, () => new DockerIgnore(readFileSync(file, "utf8"), file));
}

function findIgnoreFile({ context, dockerfile }: BuildInput): string | undefined {
  const files = [join(context, `${dockerfile}.dockerignore`), join(context, ".dockerignore")];
  return files.find((candidate) => existsSync(candidate));
}

function addFolder(hash: Hash, folder: string, dockerfile: string): void {
  if (!existsSync(folder)) {
    throw new UserError(`${folder} does not exist. The image is built from it too: restore it.`);
  }
  const ignore = readIgnoreFile({ context: folder, dockerfile });
  const root: Buffer = Buffer.from(realpathSync(folder));
  for (const file of listFiles(root, ignore)) addFile(hash, root, file);
  // Docker reads it even where it is left out of the context.
  const recipe = Buffer.from(dockerfile);
  if (ignore.excludes(dockerfile) && existsSync(join(folder, dockerfile))) {
    addFile(hash, root, recipe);
  }
}

// Names are bytes: one that is not UTF-8 must be found again.
function listFiles(root: Buffer, ignore: DockerIgnore, prefix: Buffer = Buffer.alloc(0)): Buffer[] {
  return readFolder(joinBytes(root, prefix)).flatMap((entry) => {
    const path = prefix.length === 0 ? entry.name : joinBytes(prefix, entry.name);
    const text = path.toString();
    const excluded = ignore.excludes(text);
    if (!entry.isDirectory()) return excluded ? [] : [path];
    return excluded && !ignore.mayTakeBackBelow(text) ? [] : listFiles(root, ignore, path);
  });
}

function readFolder(folder: Buffer): Dirent<Buffer>[] {
  const entries = reading(folder, () =>
    readdirSync(folder, { withFileTypes: true, encoding: "buffer" }),
  );
  return entries.sort((a, b) => Buffer.compare(a.name, b.name));
}

function joinBytes(folder: Buffer, name: Buffer): Buffer {
  return name.length === 0 ? folder : Buffer.concat([folder, Buffer.from("/"), name]);
}

// Every part is preceded by its length or has a fixed one, so that no two contexts give the same
// stream of bytes. Pipes, sockets and devices have no content: nobody may open them.
function addFile(hash: Hash, root: Buffer, file: Buffer): void {
  const path = joinBytes(root, file);
  const stat = lstatSync(path);
  const kind = kindOf(stat);
  hash.update(`${kind} ${file.length} `).update(file);
  if (kind === "link") hash.update(hashOf(readlinkSync(path, { encoding: "buffer" })));
  if (kind === "file" || kind === "program") hash.update(reading(path, () => hashFile(path)));
}

function kindOf(stat: ReturnType<typeof lstatSync>): string {
  if (stat === undefined) return "gone";
  if (stat.isSymbolicLink()) return "link";
  if (!stat.isFile()) return "special";
  return (Number(stat.mode) & 0o100) === 0 ? "file" : "program";
}

function hashOf(content: Buffer): Buffer {
  return createHash("sha256").update(content).digest();
}

// Piece by piece: a file may be larger than what Node reads at once.
function hashFile(path: Buffer): Buffer {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const descriptor = openSync(path, "r");
  try {
    let bytes = readSync(descriptor, chunk);
    while (bytes > 0) {
      hash.update(chunk.subarray(0, bytes));
      bytes = readSync(descriptor, chunk);
    }
  } finally {
    closeSync(descriptor);
  }
  return hash.digest();
}

/** Returns what `read` does; an error names the path and the ways out. */
function reading<T>(path: Buffer | string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new UserError(
      `${path} cannot be read (${code}), and is part of the image's sources. Leave it out by a line in .dockerignore, or make it readable.`,
      { cause: error },
    );
  }
}
