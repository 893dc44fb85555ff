import { createHash } from "node:crypto";
import type { Cloud, Described } from "../state.ts";
import { type Attributes, isObject, text } from "./values.ts";

/** Where the provider was told to work. */
export interface Settings {
  readonly folderId: string;
  readonly cloudId: string;
  /** Base URL of the stand-in HTTP server; without it URLs are those of the real services. */
  readonly http?: string;
  /** Key of the queue service from the provider's block or the environment. */
  readonly queueKey?: { readonly accessKey: string; readonly secretKey: string };
}

export interface Call {
  readonly cloud: Cloud;
  readonly settings: Settings;
  readonly type: string;
}

/** What an operation leaves behind. A state beside errors is kept: terraform then taints a creation. */
export interface Outcome {
  readonly state: Attributes;
  readonly errors?: string[];
  readonly warnings?: string[];
}

/** How one resource type plans and acts. Everything but the four operations is optional. */
export interface Behaviour {
  /** The older half of the provider is forgiven when a result differs from its plan. */
  readonly half: "sdk" | "framework";
  /** Defaults that the provider fills in at plan time. */
  readonly defaults?: Attributes;
  /** Defaults inside blocks, by block. */
  readonly blockDefaults?: Record<string, Attributes>;
  /** Attributes and blocks whose change replaces the resource. */
  readonly replaceOn?: readonly string[];
  /** Blocks that keep their last value when they leave the configuration. */
  readonly keptBlocks?: readonly string[];
  /** Rewrites a configured value before it is planned. */
  readonly normalise?: Record<string, (value: string) => string>;
  /** Attributes whose spelling may differ without a change. */
  readonly alike?: Record<string, (a: string, b: string) => boolean>;
  /** Further reasons for a replacement. */
  replaces?(prior: Attributes, planned: Attributes): string[];
  /** What an id alone tells of a thing; what is read comes on top. Without it there is no import. */
  import?(call: Call, id: string): Attributes;
  /** What the older half keeps of a creation whose last steps were cut off, and takes back. */
  partial?(call: Call, state: Attributes | null): Attributes | null;
  /** What the provider refuses in a configuration without asking the cloud. */
  check?(config: Attributes): string[];
  create(call: Call, planned: Attributes): Outcome;
  /** What the cloud says now; null when the thing is gone. What is left out keeps its state. */
  read(call: Call, state: Attributes): Attributes | null;
  update(call: Call, prior: Attributes, planned: Attributes): Outcome;
  remove(call: Call, state: Attributes): void;
}

export type DataSource = (call: Call, config: Attributes) => Attributes;

type Code =
  | "AlreadyExists"
  | "FailedPrecondition"
  | "Internal"
  | "InvalidArgument"
  | "NotFound"
  | "PermissionDenied";

/** Ends an operation the way the cloud's API does. Nothing may have been changed before. */
export function fail(code: Code, description: string): never {
  throw new Error(rpcError(code, description));
}

export function rpcError(code: Code, description: string): string {
  return `rpc error: code = ${code} desc = ${description}`;
}

/** Something that must exist. */
export function found<T>(thing: T | undefined, name: string): T {
  return thing ?? fail("NotFound", `${name} not found`);
}

/** A new id of the cloud's shape: three characters that tell the service, seventeen that differ. */
export function newId({ cloud, type }: Call, prefix: string, salt = ""): string {
  const digest = createHash("sha256").update(`${type} ${cloud.tick} ${salt}`).digest("hex");
  return `${prefix}${BigInt(`0x${digest}`).toString(32).slice(0, 17)}`;
}

/** What a configuration writes on a thing. */
export function described({ description, labels }: Attributes): Described {
  const own = isObject(labels) ? (labels as Record<string, string>) : {};
  return {
    ...(text(description) && { description: text(description) }),
    ...(Object.keys(own).length > 0 && { labels: own }),
  };
}

/** The same as it is read back: the newer half has empty values where the older one has none. */
export function description(thing: Described, half: Behaviour["half"]): Attributes {
  const [noText, noLabels] = half === "framework" ? ["", {}] : [null, null];
  return { description: thing.description ?? noText, labels: thing.labels ?? noLabels };
}

export const CREATED_AT = "2026-01-01T00:00:00Z";

/** The folder of a new resource. */
export function folderOf({ settings }: Call, planned: Attributes): string {
  const folder = planned.folder_id;
  return typeof folder === "string" && folder ? folder : settings.folderId;
}

/** The service's own host, or its place on the stand-in HTTP server. */
export function serviceUrl(settings: Settings, service: string, host: string): string {
  return settings.http ? `${settings.http.replace(/\/$/, "")}/${service}` : `https://${host}`;
}

/** Names are unique in a folder. */
export function refuseTakenName(
  things: Record<string, { name: string; folderId: string }>,
  name: string,
  folderId: string,
  what: string,
): void {
  const taken = Object.values(things).some((it) => it.name === name && it.folderId === folderId);
  if (taken) fail("AlreadyExists", `${what} with name ${name} already exists`);
}
