import type { Settings } from "../../../stacks/settings.ts";
import { findQueueKey } from "../cloud/queue-key.ts";
import { openTerraform, readApp, type Session, settingsOf } from "../cloud/session.ts";
import { stopOnSignal } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { QueueClient } from "./client.ts";
import type { Reader } from "./letters.ts";
import { findQueue, type StageQueue, stageQueues, withDeadLetters } from "./stage-queues.ts";

/** A stage's dead letters, and who goes through them. */
export interface OpenLetters {
  readonly reader: Reader;
  readonly settings: Settings;
  readonly app: DeployedApp;
  /** All queues of the stage. */
  readonly all: readonly StageQueue[];
  /** Those that have dead letters, or the one that was asked for. */
  readonly queues: readonly StageQueue[];
}

/**
 * Finds the queues of a stage and the key to them, which takes no login. From now on a signal lets
 * what was begun end, and the letters be given back.
 */
export async function openLetters(
  system: System,
  { stage, queue }: { readonly stage: string | undefined; readonly queue: string | undefined },
): Promise<OpenLetters> {
  const settings = settingsOf(stage);
  const terraform = openTerraform(system, settings);
  const app = await readApp({ system, settings, terraform });
  const all = stageQueues(app);
  const queues = withDeadLetters(queue === undefined ? all : [findQueue(all, queue)]);
  const reader = await openReader({ system, settings, terraform }, stopOnSignal().signal);
  return { reader, settings, app, all, queues };
}

/**
 * Who goes through the dead letters of a stage whose stack `app` was initialized.
 *
 * @throws UserError where there is no key to its queues
 */
export async function openReader(
  { system, settings, terraform }: Pick<Session, "system" | "settings" | "terraform">,
  stop: AbortSignal,
): Promise<Reader> {
  const key = await findQueueKey(system, () => terraform.state("app"), settings);
  return { system, client: new QueueClient(system, key, stop), stop };
}
