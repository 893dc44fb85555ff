import { findQueueKey } from "../cloud/queue-key.ts";
import type { Session } from "../cloud/session.ts";
import { QueueClient } from "../queue/client.ts";
import { stageQueues } from "../queue/stage-queues.ts";
import { messageOf } from "../shell/user-error.ts";
import { findOrphans, type Orphan } from "../terraform/orphans.ts";
import { type DeployedApp, reachableUrl } from "../terraform/outputs.ts";
import type { StateResource } from "../terraform/state.ts";
import type { CheckResult } from "./check-result.ts";
import { checkDomain, checkGateway } from "./gateway.ts";
import { checkMigrations } from "./migrations.ts";
import { checkRevision } from "./revision.ts";
import { checkTriggers } from "./triggers.ts";

/** What to do beside looking. */
export interface VerifyOptions {
  /** Delete what a deploy with this state created before this time and nothing uses. @default - only report it */
  readonly removeBefore?: number;
  /** Ask Django whether migrations are missing. @default false */
  readonly migrations?: boolean;
}

/** Compares what runs with what was deployed. */
export async function verify(
  session: Session,
  app: DeployedApp,
  options: VerifyOptions = {},
): Promise<CheckResult[]> {
  // Asked for twice, and each time it takes a process.
  let read: Promise<readonly StateResource[]> | undefined;
  const state = () => {
    read ??= session.terraform.state("app");
    return read;
  };
  const findings = await Promise.all([
    ...Object.entries(app.containers).map(([role, container]) =>
      guarded(`${role}: active revision`, () => checkRevision(session, role, container)),
    ),
    guarded("gateway", () => checkGateway(session, `https://${app.gateway.domain}`)),
    ...(app.domain?.attached
      ? [guarded("domain", () => checkDomain(session.system, reachableUrl(app)))]
      : []),
    checkTriggers(session, app),
    ...(options.migrations ? lookAtMigrations(session, app) : []),
    guarded("dead letters", () => checkDeadLetters(session, app, state), true),
    guarded("leftovers", async () => checkOrphans(session, app, await state(), options), true),
  ]);
  return findings.flat();
}

function lookAtMigrations(session: Session, { manage }: DeployedApp): Promise<CheckResult>[] {
  const { postgres, release } = session.settings;
  if (!manage || !(postgres || release?.[0] === "migrate")) return [];
  return [guarded("migrations", () => checkMigrations(session, manage))];
}

/** The findings as lines of text. */
export function formatFindings(findings: readonly CheckResult[]): string[] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings.flatMap(({ check, ok, found, fix }) => [
    `${ok ? "✔" : "✖"} ${check.padEnd(width)}  ${found}`,
    ...(ok || !fix ? [] : [`  ${" ".repeat(width)}  ${fix}`]),
  ]);
}

async function checkOrphans(
  session: Session,
  app: DeployedApp,
  state: readonly StateResource[],
  { removeBefore = 0 }: VerifyOptions,
): Promise<CheckResult> {
  const check = "leftovers";
  const orphans = await findOrphans(session, app, state);
  const isDue = ({ own, createdAt }: Orphan) => own && createdAt < removeBefore;
  const removed = orphans.filter(isDue);
  // A secret takes its versions along.
  for (const orphan of removed) await orphan.remove();
  const left = orphans.filter((orphan) => !isDue(orphan));
  const gone = removed.map(({ what }) => `removed ${what}, which nothing used`);
  if (left.length === 0) return { check, ok: true, found: gone.join("; ") || "none" };
  const fixes = left.map(({ own, command }) =>
    own ? DEPLOY_REMOVES : `\`${command}\` deletes it.`,
  );
  return {
    check,
    ok: false,
    found: [...gone, ...left.map(({ what }) => `nothing uses ${what}`)].join("; "),
    fix: [...new Set(fixes)].join(" "),
    minor: true,
  };
}

const DEPLOY_REMOVES = "The next `npm run deploy` deletes what a deploy created.";

async function checkDeadLetters(
  session: Session,
  app: DeployedApp,
  state: () => Promise<readonly StateResource[]>,
): Promise<CheckResult> {
  const { system, settings } = session;
  const check = "dead letters";
  const queues = stageQueues(app).filter(({ deadLetterUrl }) => deadLetterUrl);
  if (queues.length === 0) return { check, ok: true, found: "no dead-letter queue" };
  const client = new QueueClient(system, await findQueueKey(system, state, settings));
  const counts = await Promise.all(
    queues.map(async ({ name, deadLetterUrl }) => ({
      name: app.queues.further ? ` of queue ${name}` : "",
      count: (await client.count(deadLetterUrl)).waiting,
    })),
  );
  const found = counts
    .filter(({ count }) => count > 0)
    .map(({ name, count }) => `${count} messages${name}`);
  const fix =
    "Tasks have failed too often. `npm run dead-letters` shows which, and sends them back.";
  return { check, ok: found.length === 0, found: found.join(", ") || "none", fix, minor: true };
}

async function guarded(
  check: string,
  look: () => Promise<CheckResult>,
  minor = false,
): Promise<CheckResult> {
  try {
    return await look();
  } catch (error) {
    return { check, ok: false, found: messageOf(error), minor };
  }
}
