import type { Settings } from "../../../stacks/settings.ts";
import { accessOf } from "../cloud/access.ts";
import { openTerraform, readApp, settingsOf } from "../cloud/session.ts";
import { UsageError } from "../shell/command-line.ts";
import { Interrupted, stopBySignal } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { type Invocation, invoke, type Outcome } from "./invocation.ts";
import { parseWords, refuseInteractive, refuseTaken } from "./words.ts";

/**
 * Runs a command of `manage.py` in the cloud and shows its output. Returns its exit code.
 *
 * In an apply the container and the words are in the environment: the state is locked then.
 */
export async function manage(
  system: System,
  stage: string | undefined,
  words: readonly string[],
): Promise<number> {
  const { MANAGE_URL: url } = system.env;
  return url ? release(system, url) : runDeployed(system, settingsOf(stage), words);
}

async function release(system: System, url: string): Promise<number> {
  const words = parseWords(system.env.MANAGE_WORDS);
  refuseInteractive(words);
  const line = `\`manage.py ${words.join(" ")}\``;
  const { exitCode, output } = await attend(system, {
    ...{ url, words, isNew: true },
    notLetIn:
      "It lets in whom variable 'caller' names, and nobody else: run `npm run image` as whoever applies, or set TF_VAR_caller.",
    goesOn:
      "Its output goes to the stage's log group, whose name ends with -logs. Wait for its end before you deploy again.",
  });
  show(system, output);
  if (exitCode !== 0) {
    system.warn(
      `${line} failed (exit code ${exitCode}). Site and worker stay as they were. Fix it and deploy again.`,
    );
  }
  return exitCode;
}

async function runDeployed(
  system: System,
  settings: Settings,
  words: readonly string[],
): Promise<number> {
  if (words.length === 0) {
    throw new UsageError("No command is given. Write e.g. `npm run manage -- migrate --noinput`.");
  }
  refuseTaken(words, system.env);
  refuseInteractive(words);
  const terraform = openTerraform(system, settings);
  const { url, caller } = findManage(await readApp({ system, settings, terraform }), settings);
  const flag = settings.stage === undefined ? "" : ` --stage ${settings.stage}`;
  const { exitCode, output } = await attend(system, {
    ...{ url, words },
    notLetIn: `Only whoever deployed last may run commands: ${caller}. \`npm run deploy\` makes that you; the right may take a minute.`,
    goesOn: `Its output goes to the stage's log: \`npm run logs -- --container manage --follow${flag}\`.`,
  });
  show(system, output);
  return exitCode;
}

function findManage({ manage: found }: DeployedApp, { manage: wanted }: Settings) {
  if (found) return found;
  const first = wanted
    ? ""
    : `Set 'release', e.g. "migrate --noinput", or manage: {} in config.ts. `;
  throw new UserError(`This stage has no container for commands. ${first}Run \`npm run deploy\`.`);
}

/** Ctrl-C ends the waiting, and not the command. */
function attend(
  system: System,
  invocation: Pick<Invocation, "url" | "words" | "notLetIn" | "goesOn" | "isNew">,
): Promise<Outcome> {
  const stop = new AbortController();
  const message = `Not waited for any longer; the command goes on. ${invocation.goesOn}`;
  stopBySignal(({ signal }) => stop.abort(new Interrupted(signal, message)));
  return invoke({ system, access: accessOf(system), ...invocation, signal: stop.signal });
}

function show(system: System, output: string): void {
  if (output !== "") system.say(output.replace(/\n$/, ""));
}
