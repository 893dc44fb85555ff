import type { Runtime } from "./_deployment.ts";
import type { Queues } from "./queue/queues.ts";

const NEXT_TIMES = 5;

/** What runs and how it stands, for whoever shows it. Values of secrets are no part of it. */
export function describeStack(
  { blueprint, containers, triggers, timers }: Runtime,
  queues: Queues,
) {
  const states = new Map(containers.states.map((status) => [status.name, status]));
  return {
    project: blueprint.project,
    paused: triggers.paused,
    containers: blueprint.containers.map((spec) => ({ ...spec, ...states.get(spec.name) })),
    queues: blueprint.queues.map((spec) => ({ ...spec, ...queues.counts(spec.name) })),
    queueTriggers: blueprint.queueTriggers,
    timers: blueprint.timers.map((spec) => ({ ...spec, next: timers.next(spec.name, NEXT_TIMES) })),
    table: blueprint.table,
    skipped: blueprint.skipped,
  };
}
