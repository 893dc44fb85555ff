import { App, Testing } from "cdktf";
import { loadOpenApi } from "../../../constructs/open-api.ts";
import { readStack } from "../../../packages/local-cloud/stack/read-stack.ts";
import { AppStack } from "../../../stacks/app.ts";
import type { Config } from "../../../stacks/config-schema.ts";
import { resolveSettings } from "../../../stacks/settings.ts";

export const ENDPOINTS = {
  queue: "http://localhost:9324",
  tables: "http://localhost:8001",
  site: "http://localhost:8000",
};

const CONFIG: Config = {
  project: "shop",
  celeryApp: "shop.celery:app",
  env: { DJANGO_SETTINGS_MODULE: "shop.settings" },
  stages: { production: { staticBucket: false } },
};

/** The text of stack `app`, with a `config.ts` that differs from the usual one in some fields. */
export async function synthesize(fields: Partial<Config> = {}, stage?: string): Promise<string> {
  const settings = resolveSettings({ ...CONFIG, ...fields }, stage);
  const document = settings.openapi ? await loadOpenApi(settings.openapi) : undefined;
  return Testing.synth(new AppStack(new App({ outdir: "cdktf.out" }), settings, document));
}

export async function read(fields: Partial<Config> = {}, stage?: string) {
  return readStack(await synthesize(fields, stage), ENDPOINTS);
}
