import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import type { World } from "../shell/world.ts";
import { LOCAL_DIRECTORY } from "./paths.ts";

/** A local cloud that runs in this project's folder. */
export interface Instance {
  readonly pid: number;
  /** Tells it from others that had the same process id or port before. */
  readonly run: string;
  /** Address of its control server. */
  readonly control: string;
  readonly site: string;
}

const ANSWER_MS = 1000;

/** Lets others find this one, until the returned function is called. */
export function registerInstance(root: string, instance: Instance): () => void {
  const directory = directoryOf(root);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${instance.pid}.json`);
  writeWhole(file, JSON.stringify(instance));
  return () => rmSync(file, { force: true });
}

/** Those that run in this folder. What a killed one has left is cleared away. */
export async function findInstances(world: Pick<World, "root" | "fetch">): Promise<Instance[]> {
  const found = await Promise.all(
    registered(world.root).map(async ({ file, instance }) => {
      if (await answers(world, instance)) return [instance];
      rmSync(file, { force: true });
      return [];
    }),
  );
  return found.flat();
}

function registered(root: string): { readonly file: string; readonly instance: Instance }[] {
  return namesIn(directoryOf(root))
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => {
      const file = join(directoryOf(root), name);
      return { file, instance: JSON.parse(readFileSync(file, "utf8")) as Instance };
    });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

async function answers(
  { fetch }: Pick<World, "fetch">,
  { control, run }: Instance,
): Promise<boolean> {
  try {
    const response = await fetch(`${control}/api/cloud`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return ((await response.json()) as Partial<Instance>).run === run;
  } catch {
    return false;
  }
}

function directoryOf(root: string): string {
  return join(root, LOCAL_DIRECTORY, "running");
}
