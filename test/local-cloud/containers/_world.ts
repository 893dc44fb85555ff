import { readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  Containers,
  type ContainersOptions,
} from "../../../packages/local-cloud/containers/containers.ts";
import type { ContainerRequest } from "../../../packages/local-cloud/containers/invoke.ts";
import type { CloudEvent, Happening } from "../../../packages/local-cloud/events/event.ts";
import type { ContainerSpec } from "../../../packages/local-cloud/stack/blueprint.ts";
import { ROOT } from "../../support/sources.ts";

export const SITE = join("test", "local-cloud", "containers", "site");
export const CACHE = join(ROOT, "node_modules", ".cache", "local-tests");

export const SPEC: ContainerSpec = {
  name: "shop-web",
  source: SITE,
  requirements: "requirements.txt",
  dockerfile: "Dockerfile",
  command: ["python", "app.py"],
  environment: {},
  secrets: [],
  foreignSecrets: [],
  concurrency: 2,
  timeoutSeconds: 30,
  memoryMib: 128,
};

/** Containers that are not started yet, and what they report. They are stopped with the test. */
export function makeContainers(
  specs: readonly Partial<ContainerSpec>[] = [{}],
  options: Partial<ContainersOptions> = {},
) {
  const happenings: Happening[] = [];
  const waiting = new Set<() => void>();
  const containers = new Containers({
    specs: specs.map((spec) => ({ ...SPEC, ...spec })),
    root: ROOT,
    cache: CACHE,
    secrets: {},
    report: (happening) => {
      happenings.push(happening);
      for (const check of [...waiting]) check();
    },
    ...options,
  });
  onTestFinished(() => containers.stop());
  return {
    containers,
    happenings,
    /** Waits until something has been reported that fits. */
    until: <T extends Happening["type"]>(
      type: T,
      fits: (happening: Extract<CloudEvent, { type: T }>) => boolean = () => true,
    ) =>
      new Promise<Happening>((done) => {
        const check = () => {
          const found = happenings.find(
            (one) => one.type === type && fits(one as Extract<CloudEvent, { type: T }>),
          );
          if (found === undefined) return;
          waiting.delete(check);
          done(found);
        };
        waiting.add(check);
        check();
      }),
  };
}

export async function startContainers(...input: Parameters<typeof makeContainers>) {
  const world = makeContainers(...input);
  await world.containers.start();
  return world;
}

/** Calls a container; gives status, headers and the text of the answer. */
export async function get(
  containers: Containers,
  path: string,
  more: Partial<ContainerRequest> = {},
) {
  const request = { method: "GET", headers: [], body: Buffer.alloc(0) };
  const answer = await containers.invoke("shop-web", { ...request, path, ...more });
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    text: String(answer.body),
  };
}

/** Whether a process runs; one that nobody has buried yet does not. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return (
      process.platform !== "linux" ||
      !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
    );
  } catch {
    return false;
  }
}
