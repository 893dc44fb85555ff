import { findExecEnvironment } from "../../../packages/local-cloud/containers/exec-environment.ts";
import { runSystemChecks } from "../../../packages/local-cloud/containers/system-checks.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import type { Settings } from "../../../stacks/settings.ts";
import type { System } from "../shell/system.ts";
import { cacheDirectory, readSecrets } from "./paths.ts";
import { readSynthesized, usualEndpoints } from "./stack.ts";

/** A project that takes longer to load than this is not asked. */
const PATIENCE_MS = 20_000;

const NOT_RUN = "Django's system checks were not run:";
const NO_PLACE = `${NOT_RUN} \`npm run local\` installs what they need, or run \`manage.py check --deploy\` in the image.`;
const NOT_LOADED = `${NOT_RUN} the project did not load on this machine. \`npm run local\` shows why.`;

/**
 * What Django's system checks find in the project, a line each, if `npm run local` has made a Python
 * environment of what it needs now. For a stack that is synthesized. Creates nothing and never fails: a
 * deploy does not depend on it.
 */
export async function projectNotes(system: System, { stage }: Settings): Promise<string[]> {
  try {
    return await ask(system, stage);
  } catch (error) {
    return [`${NOT_RUN} ${error instanceof Error ? error.message : error}`];
  }
}

async function ask(system: System, stage: string | undefined): Promise<string[]> {
  const { root } = system;
  const stack = await readSynthesized(system, stage);
  const { containers, timers } = readStack(stack, usualEndpoints(stack));
  const [spec] = containers;
  if (spec === undefined) return [];
  const options = { spec, root, cache: cacheDirectory(root), secrets: readSecrets(root) };
  const command = findExecEnvironment(options);
  if (command === undefined) return [NO_PLACE];
  const names = timers.map(({ name }) => name);
  const findings = await runSystemChecks(command, names, AbortSignal.timeout(PATIENCE_MS));
  return findings?.map(({ id, text, hint }) => `${id}  ${text} ${hint}`) ?? [NOT_LOADED];
}
