import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** The file that says what the containers need, and who can read it. */
export interface Requirements {
  /** Relative to the sources. */
  readonly file: string;
  /** `pip` or uv; of the others only uv makes an environment. */
  readonly kind: "requirements" | "pyproject" | "lock";
}

const REQUIREMENTS_FIELD = "'image.requirements' in config.ts";

// What neither pip nor uv reads, and what makes a file of it that both do.
const EXPORTS: ReadonlyMap<string, string> = new Map([
  ["Pipfile", "pipenv requirements > requirements.txt"],
  ["Pipfile.lock", "pipenv requirements > requirements.txt"],
  ["poetry.lock", "poetry self add poetry-plugin-export && poetry export -o requirements.txt"],
  ["pdm.lock", "pdm export -o requirements.txt"],
]);

/**
 * What an environment is created from: the file that `config.ts` names, else the first of
 * requirements.txt, uv.lock and pyproject.toml.
 *
 * @param folder the sources
 * @param named relative to the folder
 * @throws Error that names the way out, where there is no such file, or nobody here can read it
 */
export function findRequirements(folder: string, named?: string): Requirements {
  const file = named ?? ["requirements.txt", "uv.lock"].find((name) => isIn(folder, name));
  if (file === undefined) return findProject(folder);
  if (!isIn(folder, file)) {
    throw new Error(
      `${join(folder, file)} does not exist. Set ${REQUIREMENTS_FIELD} to the file that lists what the containers need, relative to 'image.context'.`,
    );
  }
  const name = basename(file);
  const command = EXPORTS.get(name);
  if (command !== undefined) throw needsExport(folder, file, command);
  if (name === "uv.lock") return { file, kind: "lock" };
  return { file, kind: name === "pyproject.toml" ? asProject(folder, file) : "requirements" };
}

function findProject(folder: string): Requirements {
  const [locked, command] = [...EXPORTS].find(([name]) => isIn(folder, name)) ?? [];
  if (isIn(folder, "pyproject.toml") && (command === undefined || isStandard(folder))) {
    return { file: "pyproject.toml", kind: asProject(folder, "pyproject.toml") };
  }
  if (locked !== undefined && command !== undefined) throw needsExport(folder, locked, command);
  const others = findOthers(folder);
  const hint = others.length === 0 ? "" : ` (there is: ${others.join(", ")})`;
  throw new Error(
    `${folder} has no requirements.txt, uv.lock or pyproject.toml. Set ${REQUIREMENTS_FIELD} to the file that lists what the containers need${hint}.`,
  );
}

function asProject(folder: string, file: string): "pyproject" {
  if (isStandard(folder, file)) return "pyproject";
  throw needsExport(folder, file, EXPORTS.get("poetry.lock") ?? "");
}

/** Whether the dependencies stand where every tool looks for them. */
function isStandard(folder: string, file = "pyproject.toml"): boolean {
  return /^\s*\[project\]/m.test(readFileSync(join(folder, file), "utf8"));
}

function needsExport(folder: string, file: string, command: string): Error {
  return new Error(
    `${join(folder, file)} can only be read by its own tool. Run \`${command}\` in ${folder}, and set ${REQUIREMENTS_FIELD} to "requirements.txt".`,
  );
}

function findOthers(folder: string): string[] {
  const fits = (name: string) => /^requirements.*\.(txt|in)$|\.txt$/.test(name);
  const here = readdirSync(folder).filter((name) => /^requirements.*\.(txt|in)$/.test(name));
  const below = isIn(folder, "requirements")
    ? readdirSync(join(folder, "requirements")).filter(fits)
    : [];
  return [...here, ...below.map((name) => `requirements/${name}`)].sort();
}

function isIn(folder: string, name: string): boolean {
  return existsSync(join(folder, name));
}
