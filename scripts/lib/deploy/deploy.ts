import { hasData, type Settings, type StackKind, stackId } from "../../../stacks/settings.ts";
import { domainAdvice } from "../cloud/certificate.ts";
import type { Step } from "../shell/steps.ts";
import { reachableUrl } from "../terraform/outputs.ts";
import {
  applyApp,
  applyData,
  applyDomain,
  applyRegistry,
  attachDomain,
  type Deploy,
  type DeployOptions,
  preflight,
  provideImage,
  provideTable,
  provideTriggers,
  takeOver,
  verifyAll,
} from "./deploy-steps.ts";

/** The steps of a deploy. Each may be repeated, and finds again what an interrupted run has done. */
export function deploySteps(options: DeployOptions): Step<Deploy>[] {
  const { settings, image, rebuild, wait = false } = options;
  const domain = settings.domain !== undefined;
  const data = hasData(settings);
  const before = describeBefore(settings);
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
    { title: "Data", enabled: data, does: `apply stack ${id("data")}`, run: applyData },
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
      does: "delete triggers that `npm run trigger` created",
      run: takeOver,
    },
    {
      title: "App",
      does: `apply stack ${id("app")}${before}`,
      run: applyApp,
    },
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
export function closingLines({ app, certificate, findings = [], notes = [] }: Deploy): string[] {
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

function describeBefore({ release, staticBucket }: Settings): string {
  const commands = [
    ...(release ? [`\`manage.py ${release.join(" ")}\``] : []),
    ...(staticBucket ? [`static files put into ${staticBucket}`] : []),
  ];
  if (commands.length === 0) return "";
  return `, with ${commands.join(" and ")} before the new image gets to site and worker`;
}
