import { UserError } from "../shell/user-error.ts";
import type { DeployedApp } from "../terraform/outputs.ts";

/** A queue of a stage. */
export interface StageQueue {
  /** As Celery calls it: `default` and the names in `queues`. */
  readonly name: string;
  readonly url: string;
  /** Of its dead letters; empty where it has none. */
  readonly deadLetterUrl: string;
}

/** All queues of a stage, `default` first. */
export function stageQueues({ queues }: Pick<DeployedApp, "queues">): StageQueue[] {
  return Object.entries({ default: queues, ...queues.further }).map(
    ([name, { url, deadLetterUrl }]) => ({ name, url, deadLetterUrl: deadLetterUrl ?? "" }),
  );
}

/** The queue of a name. */
export function findQueue(queues: readonly StageQueue[], name: string): StageQueue {
  const queue = queues.find((candidate) => candidate.name === name);
  if (queue) return queue;
  const known = queues.map((candidate) => candidate.name).join(", ");
  throw new UserError(
    `Queue "${name}" is not in the stage (known: ${known}). Queues come from 'queues' in config.ts.`,
  );
}

/** Those of the queues that have dead letters. */
export function withDeadLetters(queues: readonly StageQueue[]): readonly StageQueue[] {
  const found = queues.filter(({ deadLetterUrl }) => deadLetterUrl);
  if (found.length > 0) return found;
  throw new UserError("There is no dead-letter queue in the stage.");
}
