import type { Mapping } from "./_mapping.ts";
import { checkOpenApi } from "./_open-api-checks.ts";
import { parseSource } from "./_open-api-source.ts";
import type { Refusal, Refuse } from "./_refusal.ts";

/** The user's own description of a gateway, with all that is wrong about it. */
export interface OpenApiDocument {
  /** Path of the file, as it was given. */
  readonly file: string;
  readonly content: Mapping;
  /** Reported together with everything else when the gateway's stack is synthesized. */
  readonly refusals: readonly Refusal[];
}

/**
 * Reads an OpenAPI 3.0 file (YAML or JSON) with Yandex's extensions, for `ApiGateway`.
 *
 * What the file leaves out is filled in by the gateway: an operation without an integration goes to
 * the gateway's container (so the schema that a Django project generates works as it is), and
 * integrations of type `serverless_containers` without `container_id` or `service_account_id` get
 * the gateway's. What the file states is kept. Variables of the gateway are written `${var.name}`.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/
 */
export async function loadOpenApi(file: string): Promise<OpenApiDocument> {
  const refusals: Refusal[] = [];
  const refuse: Refuse = (when, refusal) => {
    if (when) refusals.push(refusal);
  };
  const source = parseSource(file, refuse);
  if (source) await checkOpenApi(source, refuse);
  return { file, content: source?.content ?? {}, refusals };
}
