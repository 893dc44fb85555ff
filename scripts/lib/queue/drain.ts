import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import type { Session } from "../cloud/session.ts";
import { UsageError } from "../shell/command-line.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { SETTLING_MINUTES } from "../triggers/plan.ts";
import { runTriggers } from "../triggers/triggers.ts";
import type { Counts } from "./client.ts";
import { Progress, type Reader, refuseStopped } from "./letters.ts";
import { type StageQueue, stageQueues } from "./stage-queues.ts";

const LOOK_MS = 2000;
/** Counts are approximate, so nothing must have been in flight for so long. */
const CALM_MS = 30_000;
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** What a drain goes by. */
export interface DrainOptions {
  /** Milliseconds to wait at most. */
  readonly timeoutMs: number;
  /** Say each look as a JSON object in place of words. */
  readonly json: boolean;
}

/** Milliseconds of `90s`, `10m` or `1h`. */
export function parseTimeout(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  if (amount !== undefined) return Number(amount) * (UNITS[unit] ?? 0);
  throw new UsageError(`--timeout is "${text}", allowed: a number with s, m or h, such as 10m.`);
}

/**
 * Pauses the triggers and waits until nothing is in flight. The triggers stay paused, whatever comes
 * of it.
 *
 * @throws UserError where something still is when the time is over
 */
export async function drain(
  session: Session,
  app: DeployedApp,
  { client, stop }: Pick<Reader, "client" | "stop">,
  { timeoutMs, json }: DrainOptions,
): Promise<void> {
  const { system } = session;
  const say = (text: string) => (json ? system.warn(text) : system.say(text));
  const paused = await runTriggers(session, { action: "pause", specs: app.triggers });
  for (const line of paused.length > 0 ? paused : ["the triggers are paused already"]) say(line);
  const progress = new Progress(system);
  const onLook = (looks: readonly Look[], drained: boolean) => {
    if (json) system.say(formatJson({ drained, queues: looks }));
    else progress.say(describe(looks) || "nothing in flight; looking again");
  };
  const looks = await untilCalm(system, { timeoutMs, stop, onLook }, () =>
    lookAt(client, stageQueues(app)),
  );
  for (const line of describeDrained(looks, paused.length > 0)) say(line);
}

interface Waiting {
  readonly timeoutMs: number;
  readonly stop: AbortSignal;
  readonly onLook: (looks: readonly Look[], drained: boolean) => void;
}

async function untilCalm(
  system: System,
  { timeoutMs, stop, onLook }: Waiting,
  look: () => Promise<readonly Look[]>,
): Promise<readonly Look[]> {
  const deadline = system.now() + timeoutMs;
  let calmSince: number | undefined;
  for (;;) {
    const looks = await look();
    const now = system.now();
    calmSince = looks.some(isRunning) ? undefined : (calmSince ?? now);
    const drained = calmSince !== undefined && now - calmSince >= CALM_MS;
    onLook(looks, drained);
    if (drained) return looks;
    refuseStopped(stop);
    if (now >= deadline) throw tooLate(looks, timeoutMs);
    await system.sleep(LOOK_MS);
  }
}

interface Look extends Counts {
  readonly queue: string;
}

function lookAt(client: Reader["client"], queues: readonly StageQueue[]): Promise<Look[]> {
  return Promise.all(
    queues.map(async ({ name, url }) => ({ queue: name, ...(await client.count(url)) })),
  );
}

function isRunning({ inFlight }: Look): boolean {
  return inFlight > 0;
}

function describe(looks: readonly Look[]): string {
  return looks
    .filter(isRunning)
    .map(({ queue, inFlight }) => `${inFlight} in flight in queue ${queue}`)
    .join(", ");
}

function describeDrained(looks: readonly Look[], isNew: boolean): string[] {
  const waiting = looks.reduce((sum, it) => sum + it.waiting + it.delayed, 0);
  // With messages that wait, the triggers have shown that they have stopped.
  const settling = isNew && waiting === 0;
  return [
    `Drained: nothing is in flight. Messages that wait: ${waiting}.`,
    ...(settling
      ? [
          `A pause can take ${SETTLING_MINUTES} minutes to work: what is sent until then may still be delivered.`,
        ]
      : []),
    GO_ON,
  ];
}

function tooLate(looks: readonly Look[], timeoutMs: number): UserError {
  const longest = Math.max(...looks.map(({ visibilitySeconds }) => visibilitySeconds));
  const what = describe(looks) || "nothing in flight, but not for long enough";
  return new UserError(
    `Not drained after ${timeoutMs / 1000} seconds: ${what}. What a worker has lost stays in flight for up to ${longest} seconds. Run it again to go on waiting. ${GO_ON}`,
  );
}

/** What to do after a drain, however it ended. */
export const GO_ON = "The triggers stay paused: `npm run trigger -- --resume` goes on.";
