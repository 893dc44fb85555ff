import * as v from "valibot";
import { UserError } from "./shell/user-error.ts";
import { parseSpecs } from "./triggers/rules.ts";

const record = v.object({ name: v.string(), type: v.string(), value: v.string() });

const schema = v.object({
  url: v.string(),
  gateway: v.object({ id: v.string(), domain: v.string() }),
  containers: v.record(
    v.string(),
    v.object({ id: v.string(), image: v.string(), fingerprint: v.string() }),
  ),
  queues: v.object({ url: v.string(), deadLetterUrl: v.nullish(v.string()) }),
  document_api_endpoint: v.string(),
  results_table: v.string(),
  triggers: v.pipe(v.unknown(), v.transform(parseSpecs)),
  domain: v.optional(
    v.object({
      fqdn: v.string(),
      attached: v.boolean(),
      status: v.string(),
      records: v.array(record),
    }),
  ),
});

/** What the stack `app` says about itself. */
export type AppOutputs = v.InferOutput<typeof schema>;

/** A DNS record to be made by hand. */
export type DnsRecord = v.InferOutput<typeof record>;

export function parseAppOutputs(outputs: Readonly<Record<string, unknown>>): AppOutputs {
  if (outputs.url === undefined) {
    throw new UserError("Nothing is deployed in this stage. Run `npm run deploy` first.");
  }
  return v.parse(schema, outputs);
}

const registrySchema = v.object({ registry_id: v.string(), repository: v.string() });

/** What the stack `registry` says about itself. */
export function parseRegistryOutputs(outputs: Readonly<Record<string, unknown>>) {
  if (outputs.repository === undefined) {
    throw new UserError("There is no registry in this stage yet. Run `npm run deploy` first.");
  }
  return v.parse(registrySchema, outputs);
}

const domainSchema = v.object({
  certificate_id: v.string(),
  certificate_status: v.string(),
  records: v.optional(v.array(record), []),
});

export type DomainOutputs = v.InferOutput<typeof domainSchema>;

/** What the stack `domain` says about itself; `undefined` before it was applied. */
export function parseDomainOutputs(
  outputs: Readonly<Record<string, unknown>>,
): DomainOutputs | undefined {
  return outputs.certificate_id === undefined ? undefined : v.parse(domainSchema, outputs);
}

/** The address that answers now: the site's own domain only once it is attached. */
export function reachableUrl({ url, domain, gateway }: AppOutputs): string {
  return domain?.attached === false ? `https://${gateway.domain}` : url;
}
