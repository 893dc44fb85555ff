import { type Command, UsageError } from "../cli.ts";
import { changeCloud, type DockerClient, readCloud } from "../state.ts";

/** A command of `docker`; what `run` returns is printed on stdout. */
export interface DockerCommand extends Command<undefined> {
  /** Answers without a daemon. */
  readonly local?: boolean;
}

/** The client did not like what the daemon or the registry answered. */
export class DockerError extends Error {}

export const REGISTRY = "cr.yandex";

export function client(): DockerClient {
  return readCloud().docker ?? emptyClient();
}

export function changeClient(change: (client: DockerClient) => void): void {
  changeCloud((cloud) => {
    cloud.docker ??= emptyClient();
    change(cloud.docker);
  });
}

export interface Reference {
  /** `cr.yandex/<registry>/<repository>` or a local name. */
  name: string;
  /** The name without the registry's host, when it is the cloud's. */
  repository: string | undefined;
  tag: string;
  digest: string | undefined;
  /** Name and tag. */
  text: string;
}

export function parseReference(text: string): Reference {
  const match = /^([a-z0-9._/:-]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(
    text,
  );
  const [, name, tag = "latest", digest] = match ?? [];
  if (!name) throw new DockerError(`invalid reference format: ${text}`);
  const repository = name.startsWith(`${REGISTRY}/`) ? name.slice(REGISTRY.length + 1) : undefined;
  return { name, repository, tag, digest, text: `${name}:${tag}` };
}

/** The subset of Go templates that scripts use: a field, an index, and `json` of one. */
export function template(format: string, data: unknown): string {
  return format.replace(/\{\{\s*(json\s+|index\s+)?(\.[\w.]*)(?:\s+(\d+))?\s*\}\}/g, (...found) => {
    const [, verb = "", path = "", index] = found as string[];
    const value = path
      .split(".")
      .filter((key) => key !== "")
      .reduce<unknown>((at, key) => member(at, key), data);
    if (verb.startsWith("json")) return JSON.stringify(value);
    return String(verb.startsWith("index") ? (value as unknown[])[Number(index)] : value);
  });
}

function member(value: unknown, key: string): unknown {
  const object = (value ?? {}) as Record<string, unknown>;
  if (!(key in object)) {
    throw new UsageError(`template: can't evaluate field ${key} in type interface {}`);
  }
  return object[key];
}

function emptyClient(): DockerClient {
  return { logins: {}, helpers: [], images: {} };
}
