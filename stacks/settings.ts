import * as v from "valibot";
import { type Config, configSchema, type DomainConfig, type StageConfig } from "./config-schema.ts";

/** Where Terraform keeps the state. */
export type BackendSettings =
  | { readonly type: "local" }
  | {
      readonly type: "s3";
      readonly bucket: string;
      readonly prefix: string;
      readonly endpoint: string;
      readonly region: string;
    };

/** The site's own domain. */
export type DomainSettings = DomainConfig;

/**
 * What one stage is made of: `config.ts` with the stage's overrides. Filled in are the defaults that
 * the commands need too; all others are those of the constructs.
 */
export interface Settings extends Omit<StageConfig, "backend" | "database" | "domain" | "image"> {
  readonly project: string;
  readonly celeryApp: string;
  /** `undefined` for the stage without a name. */
  readonly stage: string | undefined;
  readonly backend: BackendSettings;
  readonly queueKey: "stack" | "environment";
  readonly trigger: "yc" | "terraform";
  readonly image: {
    readonly context: string;
    readonly dockerfile: string;
    readonly requirements?: string;
    readonly workdir?: string;
  };
  readonly results: { readonly table: string; readonly ttlSeconds?: number };
  readonly database: { readonly storageLimitGb?: number; readonly deletionProtection: boolean };
  readonly domain: DomainSettings | undefined;
}

/**
 * Checks a configuration (what `config.ts` exports), applies a stage's overrides and fills in the
 * defaults.
 *
 * @throws Error that names every field with a problem, or the stages there are
 */
export function resolveSettings(input: unknown, stage?: string): Settings {
  const { stages = {}, ...shared } = parseConfig(input);
  const all = new Map<string | undefined, Config>([[undefined, merge({}, shared) as Config]]);
  for (const [name, overrides] of Object.entries(stages)) {
    all.set(name, merge(merge({}, shared), overrides) as Config);
  }
  refuseSharedDomain(all);
  const config = all.get(stage);
  if (config === undefined) throw unknownStage(String(stage), Object.keys(stages));
  return fillIn(config, stage);
}

/** The stacks of a stage, in the order in which a deploy applies them. */
export type StackKind = "registry" | "domain" | "app";

/** The id of a stack in a stage: `app`, or `app-production`. */
export function stackId(kind: StackKind, stage: string | undefined): string {
  return stage === undefined ? kind : `${kind}-${stage}`;
}

/** The first part of every cloud name in a stage. */
export function namePrefix({ project, stage }: Pick<Settings, "project" | "stage">): string {
  return stage === undefined ? project : `${project}-${stage}`;
}

function parseConfig(input: unknown): Config {
  const result = v.safeParse(configSchema, input);
  if (result.success) return result.output;
  throw new Error(["config.ts has problems:", ...result.issues.map(describeIssue)].join("\n"));
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue) ?? "(the whole)";
  if (issue.expected === "never")
    return `  '${field}' is not a setting. Remove it or fix its name.`;
  if (issue.input === undefined) return `  '${field}' is missing. Add it.`;
  const value = typeof issue.input === "number" ? issue.input : JSON.stringify(issue.input);
  const custom = !/^(Invalid|Expected)/.test(issue.message);
  return `  '${field}' is ${value}, ${custom ? issue.message : `allowed: ${issue.expected}`}.`;
}

// One host leads to one gateway: the second stage to attach it would fail late.
function refuseSharedDomain(stages: ReadonlyMap<string | undefined, Config>): void {
  const owners = new Map<string, string>();
  for (const [stage = "the one without a name", { domain }] of stages) {
    if (!domain) continue;
    const owner = owners.get(domain.fqdn);
    if (owner !== undefined) {
      throw new Error(
        `config.ts has problems:\n  'domain.fqdn' is "${domain.fqdn}" in two stages (${owner}, ${stage}). Move 'domain' into the stage it belongs to, or set it to false in the other.`,
      );
    }
    owners.set(domain.fqdn, stage);
  }
}

function unknownStage(stage: string, known: readonly string[]): Error {
  const list = known.length > 0 ? known.join(", ") : "none";
  return new Error(
    `Stage "${stage}" is not in config.ts (known: ${list}). Add it to 'stages', e.g. stages: { "${stage}": {} }.`,
  );
}

function fillIn({ stages: _, ...config }: Config, stage: string | undefined): Settings {
  return {
    ...config,
    stage,
    backend: fillInBackend(config),
    queueKey: config.queueKey ?? "stack",
    trigger: config.trigger ?? "yc",
    image: {
      context: "examples/django-celery",
      dockerfile: "Dockerfile",
      ...config.image,
    },
    results: { table: "celery", ...config.results },
    database: { deletionProtection: stage === "production", ...config.database },
    domain: config.domain || undefined,
  };
}

function fillInBackend({ backend, project }: Config): BackendSettings {
  if (backend?.type !== "s3") return { type: "local" };
  return {
    prefix: project,
    endpoint: "https://storage.yandexcloud.net",
    region: "ru-central1",
    ...backend,
  };
}

// An object is merged field by field; anything else, arrays too, is replaced whole. A field that was
// written as undefined counts as left out.
function merge(base: object, overrides: object): object {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    const before = merged[key];
    merged[key] = isPlain(value) ? merge(isPlain(before) ? before : {}, value) : value;
  }
  return merged;
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
