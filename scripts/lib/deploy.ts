import { type Settings, stackId } from "../../stacks/settings.ts";
import {
  type AppOutputs,
  type DomainOutputs,
  parseAppOutputs,
  parseDomainOutputs,
  parseRegistryOutputs,
  reachableUrl,
} from "./app-outputs.ts";
import { accessOf } from "./cloud/access.ts";
import {
  certificateStatus,
  domainAdvice,
  isRefused,
  isUsable,
  knownCertificate,
  waitForCertificate,
  wasAttached,
} from "./cloud/certificate.ts";
import { openSession, type Session } from "./cloud/session.ts";
import { ensureImage, type ImageOptions } from "./image/image.ts";
import { deployChecks, runChecks } from "./preflight.ts";
import { projectNotes } from "./project-checks.ts";
import { ensureTable } from "./results-table.ts";
import type { Report, Step } from "./shell/steps.ts";
import { joinProblems, UserError } from "./shell/user-error.ts";
import type { World } from "./shell/world.ts";
import { type Ahead, rememberRegistry, startAhead } from "./speculation.ts";
import { type ApplyOptions, applyStack } from "./terraform/apply-stack.ts";
import type { StackKind, Variables } from "./terraform/terraform.ts";
import { handOver, runTriggers } from "./triggers/triggers.ts";
import { type Finding, verify } from "./verify.ts";

export interface DeployOptions {
  readonly world: World;
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
export class Deploy {
  readonly options: DeployOptions;
  /** Who deploys and where. */
  session: Session | undefined;
  repository: string | undefined;
  /** What was begun beside the registry's apply and is of use. */
  ahead: Ahead | undefined;
  certificate: DomainOutputs | undefined;
  /** Of the certificate, where the provider would fail on it. */
  refused: string | undefined;
  app: AppOutputs | undefined;
  findings: readonly Finding[] = [];
  /** What the project is asked for beside everything else, and what it has said. */
  asking: Promise<readonly string[]> | undefined;
  notes: readonly string[] = [];
  /** When the app was applied last. */
  appliedAt = 0;

  constructor(options: DeployOptions) {
    this.options = options;
  }
}

/** The steps of a deploy. Each may be repeated, and finds again what an interrupted run has done. */
export function deploySteps(options: DeployOptions): Step<Deploy>[] {
  const { settings, image, rebuild, wait = false } = options;
  const domain = settings.domain !== undefined;
  const viaTerraform = settings.trigger === "terraform";
  const id = (kind: StackKind) => stackId(kind, settings.stage);
  return [
    {
      title: "Pre-flight",
      does: "check tools, login, folder, sources, state; write the Terraform; change nothing else",
      run: preflight,
    },
    { title: "Registry", does: `apply stack ${id("registry")}`, run: applyRegistry },
    { title: "Domain", enabled: domain, does: `apply stack ${id("domain")}`, run: applyDomain },
    {
      title: "Image",
      does: image
        ? `use ${image}`
        : `build and push ${settings.image.context}${rebuild ? "" : ", unless unchanged"}`,
      run: provideImage,
    },
    {
      title: "Take over triggers",
      enabled: viaTerraform,
      does: "delete triggers that `npm run trigger` made",
      run: takeOver,
    },
    { title: "App", does: `apply stack ${id("app")}`, run: applyApp },
    {
      title: "Results table",
      does: `create ${settings.results.table}, unless it exists`,
      run: provideTable,
    },
    {
      title: "Triggers",
      enabled: !viaTerraform,
      does: "create or update what differs",
      run: provideTriggers,
    },
    {
      title: "Certificate",
      enabled: domain && wait,
      does: "wait until it is issued, then attach the domain",
      run: attachDomain,
    },
    { title: "Verify", does: "compare what runs with what was deployed", run: verifyAll },
  ];
}

/** What to tell the user in the end. */
export function closingLines({ app, certificate, findings, notes }: Deploy): string[] {
  if (!app) return [];
  const minor = findings.filter(({ ok }) => !ok);
  return [
    "",
    `The site is at ${reachableUrl(app)}`,
    ...domainAdvice(app.domain, certificate),
    ...minor.map(({ check, found, fix }) => `Note: ${check}: ${found}. ${fix ?? ""}`.trim()),
    ...notes.map((note) => `Note: ${note}`),
  ];
}

async function preflight(deploy: Deploy): Promise<string> {
  const { world, settings } = deploy.options;
  const access = accessOf(world);
  await runChecks(deployChecks({ ...deploy.options, access }));
  // Beside everything else; told in the end, and stops nothing.
  deploy.asking = projectNotes(world, settings);
  deploy.session = await openSession(world, settings, access);
  return `folder ${deploy.session.folderId}`;
}

async function applyRegistry(deploy: Deploy, report: Report): Promise<string> {
  // Beside the registry's apply, which it does not depend on. What fails is told when it is awaited.
  session(deploy)
    .terraform.init("app")
    .catch(() => {});
  const isPlain = !deploy.options.owned?.length;
  const ahead = isPlain ? startAhead(session(deploy), imageOptions(deploy)) : undefined;
  try {
    const outcome = await apply(deploy, "registry", report);
    const { repository } = parseRegistryOutputs(
      await session(deploy).terraform.outputs("registry"),
    );
    deploy.repository = repository;
    rememberRegistry(session(deploy), repository);
    if (outcome === "no change" && ahead?.repository === repository) deploy.ahead = ahead;
    return outcome;
  } finally {
    // No tool is left at work behind the back of what comes next, and no plan of it.
    if (ahead && !deploy.ahead) {
      await ahead.plan;
      session(deploy).terraform.forgetPlan("app");
    }
  }
}

// While a certificate is being renewed every plan of its stack fails, and there is nothing to do.
async function applyDomain(deploy: Deploy, report: Report): Promise<string> {
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
  if (before && status === undefined) await terraform.forget("domain", "yandex_cm_certificate");
  const outcome = await finish(deploy, "domain", report);
  deploy.certificate = parseDomainOutputs(await terraform.outputs("domain"));
  return outcome;
}

async function provideImage(deploy: Deploy, report: Report): Promise<string> {
  const { ahead, repository = "" } = deploy;
  ahead?.tell(report);
  const options = { ...imageOptions(deploy), repository, report };
  const outcome = await (ahead?.image ?? ensureImage(options));
  return `${outcome.what}, ${outcome.image}`;
}

function imageOptions(deploy: Deploy): Omit<ImageOptions, "repository" | "report"> {
  const { world, settings, image: given, rebuild } = deploy.options;
  return { world, access: session(deploy).access, settings, given, rebuild };
}

async function takeOver(deploy: Deploy): Promise<string> {
  const { terraform } = session(deploy);
  await terraform.init("app");
  return describeChanges(await handOver(session(deploy)));
}

async function applyApp(deploy: Deploy, report: Report): Promise<string> {
  const outcome = await applyAppOnce(deploy, report);
  const { domain } = deployed(deploy);
  if (!domain || domain.attached || !isUsable(domain.status)) return outcome;
  // The apply that makes the gateway never attaches the domain, and this one has made it.
  return `${outcome}; domain: ${await applyAppOnce(deploy, report)}`;
}

async function applyAppOnce(deploy: Deploy, report: Report): Promise<string> {
  const { terraform } = session(deploy);
  await terraform.with(report).init("app");
  const variables = await certificateVariables(deploy);
  const ahead = await deploy.ahead?.plan;
  deploy.ahead = undefined;
  deploy.appliedAt = deploy.options.world.now();
  const outcome = await finish(deploy, "app", report, { variables, ahead });
  deploy.app = parseAppOutputs(await session(deploy).terraform.outputs("app"));
  return outcome;
}

async function provideTable(deploy: Deploy): Promise<string> {
  const { world, access } = session(deploy);
  const { document_api_endpoint: endpoint, results_table: table } = deployed(deploy);
  return ensureTable({ world, access, endpoint, table });
}

async function provideTriggers(deploy: Deploy): Promise<string> {
  const { triggers: specs } = deployed(deploy);
  return describeChanges(await runTriggers(session(deploy), { action: "ensure", specs }));
}

async function certificateVariables({ certificate, refused, session }: Deploy): Promise<Variables> {
  if (!session || !certificate || refused === undefined) return {};
  const attached = wasAttached(await session.terraform.outputs("app"));
  return knownCertificate(certificate.certificate_id, refused, attached);
}

async function attachDomain(deploy: Deploy, report: Report): Promise<string> {
  if (deploy.refused) return `not waited for, the certificate is ${deploy.refused}`;
  if (deployed(deploy).domain?.attached) return "attached already";
  const { world, api } = session(deploy);
  await waitForCertificate(world, api, String(deploy.certificate?.certificate_id), report);
  return applyApp(deploy, report);
}

async function verifyAll(deploy: Deploy): Promise<string> {
  deploy.notes = (await deploy.asking) ?? [];
  const removeBefore = deploy.appliedAt;
  deploy.findings = await verify(session(deploy), deployed(deploy), { removeBefore });
  const failed = deploy.findings.filter(({ ok, minor }) => !ok && !minor);
  if (failed.length === 0) return describeFindings(deploy.findings);
  const problems = failed.map(({ check, found, fix }) => `${check}: ${found}. ${fix ?? ""}`.trim());
  throw new UserError(joinProblems("Deployed, but not as it should be:", problems));
}

function describeFindings(findings: readonly Finding[]): string {
  const removed = findings.filter(({ found }) => found.startsWith("removed "));
  return ["what runs is what was deployed", ...removed.map(({ found }) => found)].join("; ");
}

async function apply(deploy: Deploy, kind: StackKind, report: Report): Promise<string> {
  await session(deploy).terraform.with(report).init(kind);
  return finish(deploy, kind, report);
}

function finish(
  deploy: Deploy,
  kind: StackKind,
  report: Report,
  more: Pick<ApplyOptions, "variables" | "ahead"> = {},
): Promise<string> {
  const { owned } = deploy.options;
  return applyStack({ session: session(deploy), kind, report, owned, ...more });
}

function session({ session: open }: Deploy): Session {
  if (open) return open;
  throw new Error("unexpected order of steps: no session yet");
}

function deployed({ app }: Deploy): AppOutputs {
  if (app) return app;
  throw new Error("unexpected order of steps: the app is not applied yet");
}

function describeChanges(changes: readonly string[]): string {
  return changes.length === 0 ? "no change" : changes.join("; ");
}
