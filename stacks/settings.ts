import * as v from "valibot";
import { config } from "../config.ts";
import { type Config, configSchema, type DomainConfig, type StageConfig } from "./config-schema.ts";

/** Memory, processor and time of one container, every field filled in. */
export interface ContainerSettings {
  readonly memoryMib: number;
  readonly cores: number;
  readonly coreFraction: number;
  readonly concurrency: number;
  readonly timeoutSeconds: number;
  readonly minInstances: number;
  readonly command: readonly string[];
}

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
 * What one stage is made of: `config.ts` with the stage's overrides and every default filled in.
 * The fields are explained where the user writes them, in `config-schema.ts`.
 */
export interface Settings {
  readonly project: string;
  /** `undefined` for the stage without a name. */
  readonly stage: string | undefined;
  readonly folderId: string | undefined;
  readonly backend: BackendSettings;
  readonly queueKey: "stack" | "environment";
  readonly trigger: "yc" | "terraform";
  readonly batchSize: number;
  readonly batchCutoffSeconds: number;
  readonly image: {
    readonly context: string;
    readonly dockerfile: string;
    readonly requirements: string;
  };
  readonly keepNewest: number;
  readonly celeryApp: string;
  readonly workerPath: string | undefined;
  readonly web: ContainerSettings;
  /** `undefined` where the site itself is the worker. */
  readonly worker: ContainerSettings | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: NonNullable<StageConfig["secrets"]>;
  readonly results: { readonly table: string; readonly ttlSeconds: number };
  readonly database: { readonly storageLimitGb: number; readonly deletionProtection: boolean };
  readonly retentionDays: number;
  readonly networkId: string | undefined;
  readonly domain: DomainSettings | undefined;
  readonly openapi: string | undefined;
  readonly staticBucket: string | undefined;
  readonly schedule: string | undefined;
  readonly roles: { readonly queueReader: string; readonly documentApi: string };
  readonly quotas: { readonly containers: number };
}

/** The settings of a stage of this project's `config.ts`. */
export function loadSettings(stage?: string): Settings {
  return resolveSettings(config, stage || undefined);
}

/** Checks a configuration, applies a stage's overrides and fills in the defaults. */
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

/** The id of a stack in a stage: `app`, or `app-production`. */
export function stackId(kind: "registry" | "domain" | "app", stage: string | undefined): string {
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

function fillIn(config: Config, stage: string | undefined): Settings {
  const djangoPackage = config.celeryApp.split(/[.:]/)[0];
  return {
    project: config.project,
    stage,
    folderId: config.folderId,
    backend: fillInBackend(config),
    queueKey: config.queueKey ?? "stack",
    trigger: config.trigger ?? "yc",
    batchSize: config.batchSize ?? 1,
    batchCutoffSeconds: config.batchCutoffSeconds ?? 1,
    image: {
      context: "examples/django-celery",
      dockerfile: "Dockerfile",
      requirements: "requirements.txt",
      ...config.image,
    },
    keepNewest: config.keepNewest ?? 10,
    celeryApp: config.celeryApp,
    workerPath: config.workerPath,
    web: {
      ...CONTAINER_DEFAULTS,
      concurrency: 4,
      timeoutSeconds: 60,
      command: ["gunicorn", `${djangoPackage}.wsgi:application`],
      ...config.web,
    },
    worker: fillInWorker(config),
    env: config.env ?? {},
    secrets: config.secrets ?? {},
    results: { table: "celery", ttlSeconds: 86_400, ...config.results },
    database: {
      storageLimitGb: 1,
      deletionProtection: stage === "production",
      ...config.database,
    },
    retentionDays: config.retentionDays ?? 3,
    networkId: config.networkId,
    domain: config.domain || undefined,
    openapi: config.openapi,
    staticBucket: config.staticBucket,
    schedule: config.schedule,
    roles: { queueReader: "ymq.reader", documentApi: "ydb.editor", ...config.roles },
    quotas: { containers: 10, ...config.quotas },
  };
}

// With a workerPath a worker of its own is a contradiction, which CeleryApp refuses.
function fillInWorker({ worker, workerPath }: Config): ContainerSettings | undefined {
  if (workerPath !== undefined && worker === undefined) return undefined;
  return {
    ...CONTAINER_DEFAULTS,
    concurrency: 1,
    timeoutSeconds: 600,
    command: ["gunicorn", "celery_push_worker.wsgi:application"],
    ...worker,
  };
}

const CONTAINER_DEFAULTS = { memoryMib: 512, cores: 1, coreFraction: 100, minInstances: 0 };

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
