import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ContainerSpec } from "../stack/blueprint.ts";

/**
 * The folder in which a container's command runs, where an image has its WORKDIR: what `config.ts`
 * says, else the one that holds the package of the Celery application. That is the folder of the
 * sources, or, where the code lies one deeper, `src` or the only one that fits.
 */
export function findWorkdir(
  root: string,
  { source, workdir, environment }: Pick<ContainerSpec, "source" | "workdir" | "environment">,
): string {
  const folder = resolve(root, source);
  if (workdir !== undefined) {
    const named = join(folder, workdir);
    if (isFolder(named)) return named;
    throw new Error(
      `${named} does not exist. Set 'image.workdir' in config.ts to the folder that the image's WORKDIR holds, relative to 'image.context'.`,
    );
  }
  const [name = ""] = (environment.CELERY_APP ?? "").split(/[.:]/);
  if (name === "" || holds(folder, name) || !isFolder(folder)) return folder;
  const below = readdirSync(folder)
    .map((one) => join(folder, one))
    .filter((one) => isFolder(one) && holds(one, name));
  const src = join(folder, "src");
  if (below.includes(src)) return src;
  return below.length === 1 && below[0] !== undefined ? below[0] : folder;
}

function holds(folder: string, name: string): boolean {
  return existsSync(join(folder, `${name}.py`)) || isFolder(join(folder, name));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
