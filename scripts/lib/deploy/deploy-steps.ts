import type { DomainOutputs } from "../../../stacks/outputs.ts";
import type { Settings, StackKind } from "../../../stacks/settings.ts";
import { accessOf } from "../cloud/access.ts";
import {
  certificateStatus,
  isRefused,
  isUsable,
  refusedCertificate,
  waitForCertificate,
} from "../cloud/certificate.ts";
import { ensureTable } from "../cloud/results-table.ts";
import { openSession, type Session } from "../cloud/session.ts";
import { ensureImage, type ImageOptions } from "../image/image.ts";
import { projectNotes } from "../local/project-checks.ts";
import type { OnLine } from "../shell/steps.ts";
import type { System } from "../shell/system.ts";
import { joinProblems, UserError } from "../shell/user-error.ts";
import { type ApplyOptions, applyStack } from "../terraform/apply-stack.ts";
import {
  type DeployedApp,
  parseAppOutputs,
  parseDomainOutputs,
  parseRegistryOutputs,
} from "../terraform/outputs.ts";
import { handOver, runTriggers } from "../triggers/triggers.ts";
import type { CheckResult } from "../verify/check-result.ts";
import { verify } from "../verify/verify.ts";
import { deployChecks, runChecks } from "./preflight.ts";
import { rememberRegistry, type Speculation, speculate } from "./speculation.ts";

/** What a deploy is asked for. */
export interface DeployOptions {
  readonly system: System;
  readonly settings: Settings;
  /** An image pushed by someone else, by digest. */
  readonly image?: string | undefined;
  /** Build the image although its sources are unchanged. */
  readonly rebuild?: boolean;
  /** Ids of things in the cloud that are this stage's own although no label says so. */
  readonly owned?: readonly string[] | undefined;
  /** Wait for the domain's certificate and attach it in this run. */
  readonly wait?: boolean;
}

/** A deploy under way: what its steps have found out so far. */
export interface Deploy {
  readonly options: DeployOptions;
  /** Who deploys and where. */
  session?: Session;
  /** `cr.yandex/<registry id>/<repository>`. */
  repository?: string;
  /** What was begun beside the registry's apply and still holds. */
  speculation?: Speculation | undefined;
  certificate?: DomainOutputs | undefined;
  /** Status of the certificate, where the provider would fail on it. */
  refused?: string;
  app?: DeployedApp;
  findings?: readonly CheckResult[];
  /** What Django's own checks say, asked for beside everything else. */
  asking?: Promise<readonly string[]>;
  notes?: readonly string[];
  /** When the app was applied last, in milliseconds. */
  appliedAt?: number;
}

/** Checks everything at once and opens the session. Changes nothing in the cloud. */
export async function preflight(deploy: Deploy): Promise<string> {
  const { system, settings } = deploy.options;
  const access = accessOf(system);
  await runChecks(deployChecks({ ...deploy.options, access }));
  // Beside everything else; told in the end, and stops nothing.
  deploy.asking = projectNotes(system, settings);
  deploy.session = await openSession(system, settings, access);
  return `folder ${deploy.session.folderId}`;
}

/** Applies the registry, and meanwhile begins what most likely follows. */
export async function applyRegistry(deploy: Deploy, report: OnLine): Promise<string> {
  const { terraform } = session(deploy);
  // Beside the registry's apply, which it does not depend on. What fails is told when it is awaited.
  terraform.init("app").catch(() => {});
  const isPlain = !deploy.options.owned?.length;
  const speculation = isPlain ? speculate(session(deploy), imageOptions(deploy)) : undefined;
  try {
    const outcome = await apply(deploy, "registry", report);
    const { repository } = parseRegistryOutputs(await terraform.outputs("registry"));
    deploy.repository = repository;
    rememberRegistry(session(deploy), repository);
    const holds = outcome === "no change" && speculation?.repository === repository;
    if (holds) deploy.speculation = speculation;
    return outcome;
  } finally {
    // What comes next must not run beside it, nor find its plan.
    if (speculation && !deploy.speculation) {
      await speculation.plan;
      terraform.removeSavedPlan("app");
    }
  }
}

/**
 * Applies the domain's stack, unless its certificate is being renewed (every plan of it fails then,
 * and there is nothing to do) or can no longer be issued.
 */
export async function applyDomain(deploy: Deploy, report: OnLine): Promise<string> {
  const { terraform, api } = session(deploy);
  await terraform.with(report).init("domain");
  const before = parseDomainOutputs(await terraform.outputs("domain"));
  deploy.certificate = before;
  const status = before && (await certificateStatus(api, before.certificate_id));
  if (status === "RENEWING") return "left alone, the certificate is being renewed";
  if (isRefused(status)) {
    deploy.refused = status;
    return `left alone, the certificate is ${status}`;
  }
  // The provider cannot read a certificate that was deleted by hand.
  const isGone = before && status === undefined;
  if (isGone) await terraform.removeFromState("domain", "yandex_cm_certificate");
  const outcome = await apply(deploy, "domain", report);
  deploy.certificate = parseDomainOutputs(await terraform.outputs("domain"));
  return outcome;
}

/** Applies what outlives the app: the database and its network, the bucket of uploads. */
export async function applyData(deploy: Deploy, report: OnLine): Promise<string> {
  return apply(deploy, "data", report);
}

/** Builds and pushes the image unless its sources are unchanged. */
export async function provideImage(deploy: Deploy, report: OnLine): Promise<string> {
  const { speculation, repository = "" } = deploy;
  speculation?.tell(report);
  const options = { ...imageOptions(deploy), repository, report };
  const outcome = await (speculation?.image ?? ensureImage(options));
  return `${outcome.what}, ${outcome.image}`;
}

function imageOptions(deploy: Deploy): Omit<ImageOptions, "repository" | "report"> {
  const { system, settings, image: given, rebuild } = deploy.options;
  return { system, access: session(deploy).access, settings, given, rebuild };
}

/** Deletes the triggers of `npm run trigger` before Terraform creates its own. */
export async function takeOver(deploy: Deploy): Promise<string> {
  const { terraform } = session(deploy);
  await terraform.init("app");
  return describeChanges(await handOver(session(deploy)));
}

/** Applies the app, twice where the second apply attaches the domain. */
export async function applyApp(deploy: Deploy, report: OnLine): Promise<string> {
  const outcome = await applyAppOnce(deploy, report);
  const { domain } = deployed(deploy);
  if (!domain || domain.attached || !isUsable(domain.status)) return outcome;
  // The apply that creates the gateway never attaches the domain, and this one has created it.
  return `${outcome}; domain: ${await applyAppOnce(deploy, report)}`;
}

async function applyAppOnce(deploy: Deploy, report: OnLine): Promise<string> {
  const { terraform } = session(deploy);
  await terraform.with(report).init("app");
  const variables = deploy.refused ? await refusedCertificate(session(deploy)) : {};
  const plan = await deploy.speculation?.plan;
  deploy.speculation = undefined;
  deploy.appliedAt = deploy.options.system.now();
  const outcome = await apply(deploy, "app", report, { variables, plan });
  deploy.app = parseAppOutputs(await terraform.outputs("app"));
  return outcome;
}

/** Creates the results table unless it exists. */
export async function provideTable(deploy: Deploy): Promise<string> {
  const { system, access } = session(deploy);
  const { document_api_endpoint: endpoint, results_table: table } = deployed(deploy);
  return ensureTable({ system, access, endpoint, table });
}

/** Creates or updates the triggers. */
export async function provideTriggers(deploy: Deploy): Promise<string> {
  const { triggers: specs } = deployed(deploy);
  return describeChanges(await runTriggers(session(deploy), { action: "ensure", specs }));
}

/** Waits for the certificate and attaches the domain. */
export async function attachDomain(deploy: Deploy, report: OnLine): Promise<string> {
  if (deploy.refused) return `not waited for, the certificate is ${deploy.refused}`;
  if (deployed(deploy).domain?.attached) return "attached already";
  const { system, api } = session(deploy);
  await waitForCertificate(system, api, String(deploy.certificate?.certificate_id), report);
  return applyApp(deploy, report);
}

/** Compares what runs with what was deployed. @throws UserError unless only minor things differ */
export async function verifyAll(deploy: Deploy): Promise<string> {
  deploy.notes = (await deploy.asking) ?? [];
  const removeBefore = deploy.appliedAt;
  deploy.findings = await verify(session(deploy), deployed(deploy), { removeBefore });
  const failed = deploy.findings.filter(({ ok, minor }) => !ok && !minor);
  if (failed.length === 0) return describeFindings(deploy.findings);
  const problems = failed.map(({ check, found, fix }) => `${check}: ${found}. ${fix ?? ""}`.trim());
  throw new UserError(joinProblems("Deployed, but verification failed:", problems));
}

function describeFindings(findings: readonly CheckResult[]): string {
  const removed = findings.filter(({ found }) => found.startsWith("removed "));
  return ["what runs is what was deployed", ...removed.map(({ found }) => found)].join("; ");
}

async function apply(
  deploy: Deploy,
  kind: StackKind,
  report: OnLine,
  more: Pick<ApplyOptions, "variables" | "plan"> = {},
): Promise<string> {
  const { owned } = deploy.options;
  await session(deploy).terraform.with(report).init(kind);
  return applyStack({ session: session(deploy), kind, report, owned, ...more });
}

function session({ session: open }: Deploy): Session {
  if (open) return open;
  throw new Error("unexpected order of steps: no session yet");
}

function deployed({ app }: Deploy): DeployedApp {
  if (app) return app;
  throw new Error("unexpected order of steps: the app is not applied yet");
}

function describeChanges(changes: readonly string[]): string {
  return changes.length === 0 ? "no change" : changes.join("; ");
}
