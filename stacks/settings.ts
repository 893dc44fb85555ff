import * as v from "valibot";
import {
  type Config,
  configSchema,
  type DomainConfig,
  type MediaConfig,
  type PostgresConfig,
  type StageConfig,
} from "./config-schema.ts";

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
export interface Settings
  extends Omit<
    StageConfig,
    | "backend"
    | "database"
    | "domain"
    | "image"
    | "manage"
    | "media"
    | "postgres"
    | "release"
    | "staticBucket"
  > {
  readonly project: string;
  readonly celeryApp: string;
  /** `undefined` for the default stage. */
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
  readonly postgres: PostgresSettings | undefined;
  /** The bucket of uploads. */
  readonly media: Partial<MediaConfig> | undefined;
  /** The bucket of static files. */
  readonly staticBucket: string | undefined;
  /** The words of the command that a deploy runs between two images. */
  readonly release: readonly string[] | undefined;
  /** The container of commands, where there is one. */
  readonly manage: NonNullable<StageConfig["manage"]> | undefined;
}

/** The relational database. */
export interface PostgresSettings extends PostgresConfig {
  /** Name of the database and of its owner. */
  readonly database: string;
  readonly deletionProtection: boolean;
}

/**
 * Checks a configuration (what `config.ts` exports), applies a stage's overrides and fills in the
 * defaults.
 *
 * @throws Error that names every field with a problem, or the stages there are
 */
export function resolveSettings(input: unknown, stage?: string): Settings {
  const { stages = {}, ...shared } = parseConfig(input);
  const all = new Map<string | undefined, Config>([[undefined, override(shared, {})]]);
  for (const [name, overrides] of Object.entries(stages))
    all.set(name, override(shared, overrides));
  rejectShared(all, "domain.fqdn", ({ domain }) => (domain ? domain.fqdn : false));
  rejectShared(all, "media.bucket", ({ media }) => typeof media === "object" && media.bucket);
  rejectShared(all, "staticBucket", ({ staticBucket }) => staticBucket);
  rejectPublic(all);
  rejectIdleNetwork(all);
  const config = all.get(stage);
  if (config === undefined) throw unknownStage(String(stage), Object.keys(stages));
  return fillIn(config, stage);
}

/** The stacks of a stage, in the order in which a deploy applies them. */
export type StackKind = "registry" | "domain" | "data" | "app";

/** The stacks that a stage has, in that order. */
export function stackKinds(settings: Settings): StackKind[] {
  return [
    "registry",
    ...(settings.domain ? (["domain"] as const) : []),
    ...(hasData(settings) ? (["data"] as const) : []),
    "app",
  ];
}

/** Whether there is a stack `data`: something that outlives the app. */
export function hasData({ postgres, media }: Pick<Settings, "media" | "postgres">): boolean {
  return postgres !== undefined || media !== undefined;
}

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

// One host leads to one gateway, and a bucket is made by one stack: the second stage would fail late.
function rejectShared(
  stages: ReadonlyMap<string | undefined, Config>,
  field: string,
  find: (config: Config) => string | false | undefined,
): void {
  const owners = new Map<string, string>();
  for (const [stage = "the default stage", config] of stages) {
    const value = find(config);
    if (!value) continue;
    const owner = owners.get(value);
    if (owner !== undefined) {
      const [part] = field.split(".");
      throw new Error(
        `config.ts has problems:\n  '${field}' is "${value}" in two stages (${owner}, ${stage}). Move '${part}' into the stage it belongs to, or set it to false in the other.`,
      );
    }
    owners.set(value, stage);
  }
}

// Whatever is in the bucket of static files, the gateway answers with to anybody.
function rejectPublic(stages: ReadonlyMap<string | undefined, Config>): void {
  const all = [...stages.values()];
  const publicOnes = all.map(({ staticBucket }) => staticBucket);
  for (const { media, backend } of all) {
    const uploads = typeof media === "object" && media.bucket;
    const state = backend?.type === "s3" && backend.bucket;
    for (const [field, name] of Object.entries({
      "media.bucket": uploads,
      "backend.bucket": state,
    })) {
      if (!name || !publicOnes.includes(name)) continue;
      throw new Error(
        `config.ts has problems:\n  '${field}' is "${name}", and so is 'staticBucket', whose content everybody can read. Take another bucket for one of them.`,
      );
    }
  }
}

// A stage that has no database may share the field with one that has.
function rejectIdleNetwork(stages: ReadonlyMap<string | undefined, Config>): void {
  const all = [...stages.values()];
  if (all.some(({ postgres }) => postgres) || all.every(({ network }) => !network)) return;
  throw new Error(
    "config.ts has problems:\n  'network' is for the database of 'postgres', which no stage has. Add postgres: {}, or write networkId to put the containers into a network.",
  );
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
    database: { deletionProtection: isPrecious(stage), ...config.database },
    domain: config.domain || undefined,
    media: config.media === true ? {} : config.media || undefined,
    ...fillInCommands(config, stage),
  };
}

/** Whether what a stage stores is kept from being deleted. */
function isPrecious(stage: string | undefined): boolean {
  return stage === "production";
}

function fillInCommands({ project, ...config }: Config, stage: string | undefined) {
  const postgres = config.postgres
    ? {
        ...{ database: project.replaceAll("-", "_"), deletionProtection: isPrecious(stage) },
        ...config.postgres,
      }
    : undefined;
  const line = config.release ?? (postgres && "migrate --noinput");
  const release = line ? line.split(" ") : undefined;
  const staticBucket = config.staticBucket || undefined;
  const needed = release || postgres || staticBucket;
  return { postgres, release, staticBucket, manage: config.manage ?? (needed ? {} : undefined) };
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

// Both were checked: what one omits the other has, or it is optional.
function override(shared: Config, overrides: StageConfig): Config {
  return merge(merge({}, shared), overrides) as Config;
}

// An object is merged field by field; anything else, arrays too, is replaced whole. A field that is
// undefined counts as omitted.
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
