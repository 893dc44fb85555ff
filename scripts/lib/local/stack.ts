import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Endpoints } from "../../../packages/local-cloud/stack/blueprint.ts";
import { readServices } from "../../../packages/local-cloud/stack/read-stack.ts";
import type { System } from "../shell/system.ts";
import { synthesize } from "../terraform/synthesize.ts";
import { terraformDirectory } from "../terraform/terraform.ts";

/** Files and folders that the stack is made of. */
export const STACK_SOURCES = ["config.ts", "main.ts", "stacks", "constructs"] as const;

/**
 * The text of the synthesized stack, synthesized again when it is missing or older than its sources.
 *
 * @throws UserError with what synth says
 */
export async function readSynthesized(system: System, stage: string | undefined): Promise<string> {
  const file = join(system.root, terraformDirectory(system.env, "app", stage), "cdk.tf.json");
  if (!existsSync(file) || modifiedAt(file) < lastChange(system.root)) {
    await synthesize(system, stage);
  }
  return readFileSync(file, "utf8");
}

/** The addresses that a local cloud has when no port is taken. */
export function usualEndpoints(stack: string): Endpoints {
  const { site, queue, tables, postgres, storage } = readServices(stack).ports;
  const address = (port: number) => `http://localhost:${port}`;
  return {
    ...{ site: address(site), queue: address(queue), tables: address(tables) },
    ...(postgres && { postgres: `127.0.0.1:${postgres}` }),
    ...(storage && { storage: address(storage) }),
  };
}

/** The sources of the stack: what it consists of, and files that `config.ts` names. */
export function stackSources(root: string): string[] {
  const config = readFileSync(join(root, "config.ts"), "utf8");
  const named = [...config.matchAll(/["'`]([^"'`\n]+)["'`]/g)]
    .map(([, text = ""]) => join(root, text))
    .filter((path) => existsSync(path) && statSync(path).isFile());
  return [...STACK_SOURCES.map((source) => join(root, source)), ...named];
}

function lastChange(root: string): number {
  return Math.max(...stackSources(root).map(lastChangeIn));
}

function lastChangeIn(path: string): number {
  if (!statSync(path).isDirectory()) return modifiedAt(path);
  return Math.max(0, ...readdirSync(path).map((name) => lastChangeIn(join(path, name))));
}

function modifiedAt(path: string): number {
  return statSync(path).mtimeMs;
}
