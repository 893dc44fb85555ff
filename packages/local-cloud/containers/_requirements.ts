import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** What an environment is made from. */
export interface Requirements {
  /**
   * One flat file for pip: included files in place, paths absolute, and folders of packages as
   * editable ones, so that who changes such a package runs what they wrote.
   */
  readonly text: string;
  /** Changes when the environment has to be made anew. */
  readonly hash: string;
}

const DESCRIPTIONS = ["pyproject.toml", "setup.py", "setup.cfg"];

/**
 * Reads a requirements file and all it includes.
 *
 * @param folder the sources, in which pip would run: paths of packages are relative to it
 * @param file relative to the folder
 */
export function readRequirements(folder: string, file: string): Requirements {
  const path = join(folder, file);
  if (!existsSync(path)) {
    throw new Error(
      `${path} does not exist. Set 'image.requirements' in config.ts to the file that lists what the containers need, relative to 'image.context'.`,
    );
  }
  const hash = createHash("sha256");
  const lines = readLines(path, resolve(folder), hash);
  const text = `${lines.join("\n")}\n`;
  return { text, hash: hash.update(text).digest("hex").slice(0, 12) };
}

function readLines(path: string, folder: string, hash: ReturnType<typeof createHash>): string[] {
  const text = readFileSync(path, "utf8").replaceAll(/\\\r?\n/g, " ");
  return text.split(/\r?\n/).flatMap((raw) => {
    const line = raw.replace(/(^|\s)#.*$/, "").trim();
    const [, option = "", value = ""] =
      /^(-r|--requirement|-c|--constraint)[\s=]*(.+)$/.exec(line) ?? [];
    const included = resolve(dirname(path), value);
    if (/^(-r|--requirement)$/.test(option)) return readLines(included, folder, hash);
    if (option !== "") {
      hash.update(readFileSync(included));
      return [`-c ${included}`];
    }
    return line === "" ? [] : [localPackage(line, folder, hash) ?? line];
  });
}

/** `-e <absolute path>` for a folder with a package in it. */
function localPackage(
  line: string,
  folder: string,
  hash: ReturnType<typeof createHash>,
): string | undefined {
  const [, path, extras = "", marker = ""] =
    /^(?:(?:-e|--editable)[\s=]*)?(\.{0,2}\/[^;[\s]*|\.)(\[[^\]]*\])?\s*(;.*)?$/.exec(line) ?? [];
  if (path === undefined) return undefined;
  const location = resolve(folder, path);
  const found = DESCRIPTIONS.map((name) => join(location, name)).filter(existsSync);
  if (found.length === 0) return undefined;
  for (const description of found) hash.update(readFileSync(description));
  return `-e ${location}${extras}${marker && ` ${marker}`}`;
}
