import type { Settings } from "../../stacks/settings.ts";
import type { System } from "./shell/system.ts";
import { type Outputs, parseDomainOutputs } from "./terraform/outputs.ts";
import { synthesize } from "./terraform/synthesize.ts";
import type { Terraform } from "./terraform/terraform.ts";

/** The outputs of stack `app`, and as `certificate` what the stack of the domain says. */
export async function readOutputs(
  system: System,
  terraform: Terraform,
  { domain, stage }: Settings,
): Promise<Outputs> {
  await synthesize(system, stage);
  await terraform.init("app");
  const app = await terraform.outputs("app");
  if (!domain) return app;
  await terraform.init("domain");
  const certificate = parseDomainOutputs(await terraform.outputs("domain"));
  if (!certificate) return app;
  const { certificate_id: id, certificate_status: status, records } = certificate;
  return { ...app, certificate: { id, status, records } };
}

/** Outputs as indented lines, the address first, without what is for other programs. */
export function formatOutputs({ url, local, next_steps, ...others }: Outputs): string[] {
  const entries = Object.entries({ ...(url !== undefined && { url }), ...others });
  if (entries.length === 0) return ["Nothing is deployed in this stage."];
  return entries.flatMap(([name, value]) => formatEntry(name, value, ""));
}

function formatEntry(name: string, value: unknown, indent: string): string[] {
  if (typeof value !== "object" || value === null) return [`${indent}${name}: ${value ?? "-"}`];
  const inner = Object.entries(value).flatMap(([key, entry]) =>
    formatEntry(Array.isArray(value) ? String(Number(key) + 1) : key, entry, `${indent}  `),
  );
  return inner.length === 0 ? [`${indent}${name}: -`] : [`${indent}${name}:`, ...inner];
}
