import { existsSync } from "node:fs";
import { join } from "node:path";

const FRAME = /^ *File "([^"]+)", line (\d+)/gm;
/** Whatever has been installed is somebody else's. */
const INSTALLED = /(^|\/)(site-packages|dist-packages|lib\/python[\d.]+)\//;

/**
 * Where in the project's own sources an exception was raised, `jobs/tasks.py:77`, though the traceback
 * has the paths of an image: the last frame whose file is in the folder of the sources, too, by as much
 * of its path as there is.
 */
export function locate(traceback: string, folder: string): string | undefined {
  const frames = [...traceback.matchAll(FRAME)].reverse();
  for (const [, file = "", line = ""] of frames) {
    if (INSTALLED.test(file)) continue;
    const parts = file.split("/").filter((part) => part !== "" && part !== "..");
    const paths = parts.map((_, place) => parts.slice(place).join("/"));
    const own = paths.find((path) => existsSync(join(folder, path)));
    if (own !== undefined) return `${own}:${line}`;
  }
  return undefined;
}
