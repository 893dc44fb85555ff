import * as v from "valibot";
import { namePrefix } from "../../stacks/settings.ts";
import { type AppOutputs, reachableUrl } from "./app-outputs.ts";
import { request } from "./cloud/cloud-api.ts";
import type { Session } from "./cloud/session.ts";
import { countMessages, findQueueKey } from "./dead-letters.ts";
import { parseImage } from "./image/registry-images.ts";
import { messageOf } from "./shell/user-error.ts";
import type { World } from "./shell/world.ts";
import { findOrphans, type Orphan } from "./terraform/orphans.ts";
import type { StateResource } from "./terraform/state.ts";
import { ruleDifferences, SETTLING_MINUTES } from "./triggers/plan.ts";
import type { LiveTrigger, TriggerSpec } from "./triggers/rules.ts";
import { clientOf } from "./triggers/triggers.ts";

const GATEWAY_ATTEMPTS = 4;
const GATEWAY_RETRY_MS = 3000;
const GATEWAY_TIMEOUT_MS = 60_000;

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
  /** Whether a deploy that did its own work may still end with this. */
  readonly minor?: boolean;
}

export interface VerifyOptions {
  /** Remove what a deploy of this state made before this time, and nobody uses. @default - only name it */
  readonly removeBefore?: number;
}

/** Compares what runs with what was deployed. */
export async function verify(
  session: Session,
  app: AppOutputs,
  options: VerifyOptions = {},
): Promise<Finding[]> {
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
      ? [guarded("domain", () => checkDomain(session.world, reachableUrl(app)))]
      : []),
    checkTriggers(session, app),
    guarded("dead letters", () => checkDeadLetters(session, app, state), true),
    guarded("leftovers", async () => checkOrphans(session, app, await state(), options), true),
  ]);
  return findings.flat();
}

/** The findings as lines of text. */
export function formatFindings(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings.flatMap(({ check, ok, found, fix }) => [
    `${ok ? "✔" : "✖"} ${check.padEnd(width)}  ${found}`,
    ...(ok || !fix ? [] : [`  ${" ".repeat(width)}  ${fix}`]),
  ]);
}

const revisionsSchema = v.array(
  v.object({
    id: v.string(),
    status: v.string(),
    image: v.object({
      imageDigest: v.optional(v.string(), ""),
      environment: v.optional(v.record(v.string(), v.string()), {}),
    }),
  }),
);

type Revision = v.InferOutput<typeof revisionsSchema>[number];

/** Whether the active revision is the one that was deployed. */
export function compareRevision(
  role: string,
  wanted: AppOutputs["containers"][string],
  active: Revision | undefined,
): Finding {
  const check = `${role}: active revision`;
  const fix = "Run `npm run deploy` again.";
  if (active === undefined) return { check, ok: false, found: "none", fix };
  const { digest } = parseImage(wanted.image);
  if (active.image.imageDigest !== digest) {
    const found = `image ${shorten(active.image.imageDigest)} instead of ${shorten(digest)}`;
    return { check, ok: false, found, fix };
  }
  if (active.image.environment.REVISION_FINGERPRINT !== wanted.fingerprint) {
    return { check, ok: false, found: "other settings than the deployed ones", fix };
  }
  return { check, ok: true, found: `${active.id}, image ${shorten(digest)}` };
}

/** Whether a trigger is there, runs, and joins the right queue and container. */
export function compareTrigger(
  name: string,
  { rule, via }: TriggerSpec,
  live: readonly LiveTrigger[],
  now: number,
): Finding {
  const check = `trigger ${name}`;
  const remedy = via === "yc" ? "`npm run trigger`" : "`npm run deploy`";
  const trigger = live.find((candidate) => candidate.name === name);
  if (trigger === undefined) {
    return { check, ok: false, found: "missing", fix: `Run ${remedy}.` };
  }
  const wrong = ruleDifferences(trigger.rule, rule);
  if (wrong.length > 0) {
    return { check, ok: false, found: `differs in ${wrong.join(", ")}`, fix: `Run ${remedy}.` };
  }
  if (trigger.status !== "ACTIVE") {
    const fix = "Run `npm run trigger -- --resume`.";
    return { check, ok: false, found: trigger.status.toLowerCase(), fix, minor: true };
  }
  const age = now - Date.parse(trigger.createdAt ?? "");
  const isNew = age < SETTLING_MINUTES * 60_000;
  return {
    check,
    ok: true,
    found: isNew ? `active, new: it may take ${SETTLING_MINUTES} minutes to work` : "active",
  };
}

async function checkRevision(
  { api }: Session,
  role: string,
  container: AppOutputs["containers"][string],
): Promise<Finding> {
  const query = { containerId: container.id };
  const path = "/containers/v1/revisions";
  const list = await api.list("serverless-containers", path, "revisions", query);
  const active = v.parse(revisionsSchema, list).find(({ status }) => status === "ACTIVE");
  return compareRevision(role, container, active);
}

async function checkGateway({ world, settings }: Session, url: string): Promise<Finding> {
  const status = await firstAnswer(world, gatewayUrl(world, url));
  const fix = `Look at the site's log: \`yc logging read --group-name ${namePrefix(settings)}-logs\`.`;
  return { check: "gateway", ok: status < 500, found: `${url} answers ${status}`, fix };
}

async function checkDomain(world: World, url: string): Promise<Finding> {
  const fix = "Check the domain's CNAME record; `npm run outputs` shows the wanted one.";
  try {
    const status = await firstAnswer(world, gatewayUrl(world, url));
    return {
      check: "domain",
      ok: status < 500,
      found: `${url} answers ${status}`,
      fix,
      minor: true,
    };
  } catch (error) {
    return { check: "domain", ok: false, found: messageOf(error), fix, minor: true };
  }
}

// The first request after a deploy may meet a gateway that is still spreading its new routes.
async function firstAnswer(world: World, url: string): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt === GATEWAY_ATTEMPTS;
    try {
      const signal = AbortSignal.timeout(GATEWAY_TIMEOUT_MS);
      const response = await request(world, url, { redirect: "manual", signal });
      await response.body?.cancel();
      if (response.status < 500 || last) return response.status;
    } catch (error) {
      if (last) throw error;
    }
    await world.sleep(GATEWAY_RETRY_MS);
  }
}

/** YC_GATEWAY_URL replaces the address at which gateways answer, with `{domain}` in it. */
function gatewayUrl({ env }: World, url: string): string {
  const { host } = new URL(url);
  return env.YC_GATEWAY_URL ? env.YC_GATEWAY_URL.replaceAll("{domain}", host) : `${url}/`;
}

async function checkTriggers(session: Session, app: AppOutputs): Promise<Finding[]> {
  try {
    const live = await clientOf(session).list();
    return Object.entries(app.triggers).map(([name, spec]) =>
      compareTrigger(name, spec, live, session.world.now()),
    );
  } catch (error) {
    return [{ check: "triggers", ok: false, found: messageOf(error) }];
  }
}

async function checkOrphans(
  session: Session,
  app: AppOutputs,
  state: readonly StateResource[],
  { removeBefore = 0 }: VerifyOptions,
): Promise<Finding> {
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
    found: [...gone, ...left.map(({ what }) => `${what} is used by nothing`)].join("; "),
    fix: [...new Set(fixes)].join(" "),
    minor: true,
  };
}

const DEPLOY_REMOVES = "The next `npm run deploy` removes what a deploy has made.";

async function checkDeadLetters(
  session: Session,
  { queues }: AppOutputs,
  state: () => Promise<readonly StateResource[]>,
): Promise<Finding> {
  const { world, settings } = session;
  const check = "dead letters";
  if (!queues.deadLetterUrl) return { check, ok: true, found: "no dead-letter queue" };
  const key = await findQueueKey(world, state, settings);
  const count = await countMessages(world, queues.deadLetterUrl, key);
  const fix =
    "Tasks have failed too often. Look at the worker's log, then send them back or purge them.";
  return {
    check,
    ok: count === 0,
    found: count === 0 ? "none" : `${count} messages`,
    fix,
    minor: true,
  };
}

async function guarded(
  check: string,
  look: () => Promise<Finding>,
  minor = false,
): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    return { check, ok: false, found: messageOf(error), minor };
  }
}

function shorten(digest: string): string {
  return digest.slice(0, "sha256:".length + 12) || "unknown";
}
