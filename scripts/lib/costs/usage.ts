import type { Usage } from "./bill.ts";
import { HOURS_A_MONTH, type MeterName } from "./prices.ts";
import type { ContainerPart, PostgresPart, StackParts } from "./stack-parts.ts";

/** What happens in a month. */
export interface Traffic {
  /** Calls and seconds of work, by the container's role. */
  readonly calls: Readonly<Record<string, number>>;
  readonly seconds: Readonly<Record<string, number>>;
  /** To the gateway. */
  readonly requests: number;
  /** Sent to queues. */
  readonly messages: number;
  /** Of YDB; `undefined` where nobody knows. */
  readonly requestUnits: number | undefined;
  readonly logGb: number | undefined;
  readonly imagesGb: number | undefined;
}

/** What a person expects of a month. */
export interface Expected {
  readonly requests?: number | undefined;
  /** Seconds of work for a request. */
  readonly requestSeconds?: number | undefined;
  readonly tasks?: number | undefined;
  /** Seconds of work for a task, and for a call of a timer. */
  readonly seconds?: number | undefined;
  readonly requestUnits?: number | undefined;
  readonly logGb?: number | undefined;
  readonly imagesGb?: number | undefined;
}

/** Time is billed by this; the shortest call costs as much. */
export const BILLED_SECONDS = 0.1;
const SECONDS_AN_HOUR = 3600;
/** Of the classes whose parts and prices public sources give, October 2026. */
const CLASSES: Readonly<Record<string, { cpu: MeterName; cores: number; memoryGb: number }>> = {
  "b2.medium": { cpu: "postgresHalfCpu", cores: 2, memoryGb: 4 },
  "s2.micro": { cpu: "postgresCpu", cores: 2, memoryGb: 8 },
};
const MILLION = 1_000_000;

/** A month by what is expected of it: one call a request, one a task, and those of the timers. */
export function expectTraffic(parts: StackParts, expected: Expected): Traffic {
  const { requests = 0, tasks = 0, requestUnits, logGb, imagesGb } = expected;
  const roles = parts.containers.map(({ role }) => role);
  const worker = roles.includes("worker") ? "worker" : "web";
  const calls: Record<string, number> = {};
  const seconds: Record<string, number> = {};
  const add = (role: string, count: number, each: number | undefined) => {
    calls[role] = (calls[role] ?? 0) + count;
    seconds[role] = (seconds[role] ?? 0) + count * billedSeconds(each ?? 0);
  };
  add("web", requests, expected.requestSeconds);
  add(worker, tasks, expected.seconds);
  for (const timer of parts.timers) add(timer.role, timer.calls, expected.seconds);
  return { calls, seconds, requests, messages: tasks, requestUnits, logGb, imagesGb };
}

/** What a month takes of each meter that the stage has. */
export function usageOf(parts: StackParts, traffic: Traffic): Usage[] {
  const work = (each: (container: ContainerPart) => number) =>
    parts.containers.reduce(
      (sum, it) => sum + ((traffic.seconds[it.role] ?? 0) / SECONDS_AN_HOUR) * each(it),
      0,
    );
  const calls = Object.values(traffic.calls).reduce((sum, count) => sum + count, 0);
  return [
    { meter: "calls", quantity: calls / MILLION },
    { meter: "cpu", quantity: work(({ cores }) => cores) },
    { meter: "memory", quantity: work(({ memoryGb }) => memoryGb) },
    ...readyUsage(parts.containers),
    { meter: "gateway", quantity: traffic.requests / MILLION },
    { meter: "messages", quantity: traffic.messages / MILLION },
    { meter: "requestUnits", quantity: inMillions(traffic.requestUnits) },
    { meter: "logs", quantity: traffic.logGb },
    { meter: "secrets", quantity: parts.secrets * HOURS_A_MONTH },
    { meter: "images", quantity: allMonth(traffic.imagesGb) },
    ...parts.postgres.flatMap(postgresUsage),
  ];
}

/** Time as it is billed: whole tenths of a second, one at least. */
export function billedSeconds(seconds: number): number {
  // 0.3 / 0.1 is a little less or more than 3.
  return Math.max(1, Math.ceil(Number((seconds / BILLED_SECONDS).toFixed(6)))) * BILLED_SECONDS;
}

function readyUsage(containers: readonly ContainerPart[]): Usage[] {
  const ready = containers.filter((it) => it.ready > 0);
  if (ready.length === 0) return [];
  const count = ready.reduce((sum, it) => sum + it.ready, 0);
  // The one size whose price is known.
  if (ready.every(({ cores, memoryGb }) => cores === 1 && memoryGb === 0.5))
    return [{ meter: "ready", quantity: count }];
  const note = `${count} of ${ready.map(({ role }) => role).join(", ")}; only the price of 1 vCPU with 512 MiB is in public sources`;
  return [{ meter: "ready", quantity: undefined, note }];
}

function postgresUsage({ hostClass, hosts, diskGb, diskType }: PostgresPart): Usage[] {
  const known = diskType === "network-ssd" ? CLASSES[hostClass] : undefined;
  if (!known) {
    const note = `no public source gives the prices of class ${hostClass} with disk ${diskType}`;
    return [{ meter: "postgresCpu", quantity: undefined, note }];
  }
  const hours = hosts * HOURS_A_MONTH;
  return [
    { meter: known.cpu, quantity: known.cores * hours },
    { meter: "postgresMemory", quantity: known.memoryGb * hours },
    { meter: "postgresDisk", quantity: diskGb * hours },
  ];
}

function inMillions(count: number | undefined): number | undefined {
  return count === undefined ? undefined : count / MILLION;
}

function allMonth(quantity: number | undefined): number | undefined {
  return quantity === undefined ? undefined : quantity * HOURS_A_MONTH;
}
