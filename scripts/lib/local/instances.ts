import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Endpoints } from "../../../packages/local-cloud/stack/blueprint.ts";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import type { System } from "../shell/system.ts";
import { LOCAL_DIRECTORY } from "./paths.ts";

/** A local cloud that runs in this project's folder. */
export interface Registration {
  readonly pid: number;
  /** Tells it from others that had the same process id or port before. */
  readonly run: string;
  /** Address of its control server. */
  readonly control: string;
  readonly site: string;
}

/** One that runs, and what it says about itself. */
export interface RunningInstance extends Registration {
  readonly addresses: Endpoints;
  /** Variables with which clients talk to it. */
  readonly environment: Readonly<Record<string, string>>;
}

const ANSWER_MS = 1000;

const instanceSchema = v.object({
  pid: v.number(),
  run: v.string(),
  control: v.string(),
  site: v.string(),
});

const cloudSchema = v.object({
  run: v.string(),
  addresses: v.object({
    site: v.string(),
    queue: v.string(),
    tables: v.string(),
    postgres: v.optional(v.string()),
    storage: v.optional(v.string()),
  }),
  environment: v.record(v.string(), v.string()),
});

/** Lets others find this one, until the returned function is called. */
export function registerInstance(root: string, instance: Registration): () => void {
  const directory = directoryOf(root);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${instance.pid}.json`);
  writeWhole(file, JSON.stringify(instance));
  return () => rmSync(file, { force: true });
}

/** Those that run in this folder, the one started last first. What a killed one has left is cleared away. */
export async function findInstances({
  root,
  fetch,
}: Pick<System, "root" | "fetch">): Promise<RunningInstance[]> {
  const directory = directoryOf(root);
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const files = names
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => join(directory, name))
    .map((file) => ({ file, at: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((one, other) => other.at - one.at);
  const found = await Promise.all(
    files.map(async ({ file }) => {
      const running = await askInstance(fetch, file);
      if (running === undefined) rmSync(file, { force: true });
      return running ?? [];
    }),
  );
  return found.flat();
}

async function askInstance(
  fetch: System["fetch"],
  file: string,
): Promise<RunningInstance | undefined> {
  try {
    const instance = v.parse(instanceSchema, JSON.parse(readFileSync(file, "utf8")));
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(`${instance.control}/api/cloud`, { signal });
    const cloud = v.parse(cloudSchema, await response.json());
    return cloud.run === instance.run ? { ...instance, ...cloud } : undefined;
  } catch {
    return undefined;
  }
}

function directoryOf(root: string): string {
  return join(root, LOCAL_DIRECTORY, "running");
}
