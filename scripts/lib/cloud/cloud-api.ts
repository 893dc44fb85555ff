import { parseObject } from "../../../packages/local-cloud/support/json.ts";
import { fieldsOf } from "../shell/json.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import type { Access } from "./access.ts";

const DEFAULT_URL = "https://{service}.api.cloud.yandex.net";
const ATTEMPTS = 4;
const RETRY_MS = 1000;
const OPERATION_POLL_MS = 1000;
const OPERATION_TIMEOUT_MS = 10 * 60_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** A call that failed; the status is 0 when there was no answer. */
export class CloudApiError extends UserError {
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** The REST API of the cloud. Every answer is `unknown` until a `parse` function has looked at it. */
export class CloudApi {
  private readonly system: System;
  private readonly access: Access;

  constructor(system: System, access: Access) {
    this.system = system;
    this.access = access;
  }

  /** All pages of a list. */
  async list(service: string, path: string, field: string, query: Record<string, string>) {
    const items: unknown[] = [];
    let pageToken = "";
    do {
      const search = new URLSearchParams({ ...query, pageSize: "1000" });
      if (pageToken) search.set("pageToken", pageToken);
      const page = fieldsOf(await this.get(service, `${path}?${search}`));
      const found = page[field];
      if (Array.isArray(found)) items.push(...found);
      pageToken = typeof page.nextPageToken === "string" ? page.nextPageToken : "";
    } while (pageToken);
    return items;
  }

  get(service: string, path: string): Promise<unknown> {
    return this.ask(service, path, "GET");
  }

  /** A question that is too long for an address: it changes nothing, so it may be asked again. */
  query(service: string, path: string, body: object): Promise<unknown> {
    return this.ask(service, path, "POST", body);
  }

  /** Starts an operation and waits for its end. */
  async operate(
    service: string,
    path: string,
    method: "POST" | "PATCH" | "DELETE",
    body?: object,
  ): Promise<void> {
    let operation = fieldsOf(await this.call(service, path, method, body));
    const deadline = this.system.now() + OPERATION_TIMEOUT_MS;
    while (operation.done !== true) {
      if (this.system.now() > deadline) {
        throw new UserError(`${service}: operation ${operation.id} takes too long. Run it again.`);
      }
      await this.system.sleep(OPERATION_POLL_MS);
      operation = fieldsOf(await this.get("operation", `/operations/${operation.id}`));
    }
    const { error } = operation;
    if (error)
      throw new UserError(`${service}: ${fieldsOf(error).message ?? JSON.stringify(error)}`);
  }

  private async ask(
    service: string,
    path: string,
    method: "GET" | "POST",
    body?: object,
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.call(service, path, method, body);
      } catch (error) {
        if (attempt === ATTEMPTS || !isPassing(error)) throw error;
        await this.system.sleep(RETRY_MS * attempt);
      }
    }
  }

  private async call(
    service: string,
    path: string,
    method: string,
    body?: object,
  ): Promise<unknown> {
    const response = await request(this.system, serviceUrl(this.system.env, service) + path, {
      method,
      headers: {
        authorization: `Bearer ${await this.access.token()}`,
        ...(body && { "content-type": "application/json" }),
      },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw failedCall(service, response.status, text);
    return parseObject(text) ?? {};
  }
}

/** Where a service answers. YC_API_URL replaces the public address, with `{service}` in it. */
export function serviceUrl(env: System["env"], service: string): string {
  return (env.YC_API_URL || DEFAULT_URL).replaceAll("{service}", service);
}

/** A request whose failure to connect names the host. */
export async function request(system: System, url: string, init: RequestInit): Promise<Response> {
  try {
    return await system.fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS), ...init });
  } catch (error) {
    const { host } = new URL(url);
    throw new CloudApiError(`${host} cannot be reached. Check the network.`, 0, { cause: error });
  }
}

function failedCall(service: string, status: number, text: string): CloudApiError {
  if (status === 401) {
    return new CloudApiError(
      `${service} does not accept the token (401). It may have expired: IAM tokens live up to 12 hours.`,
      status,
    );
  }
  const message = parseObject(text)?.message ?? (text.slice(0, 200) || "no explanation");
  return new CloudApiError(`${service} answered ${status}: ${message}`, status);
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof CloudApiError &&
    (error.status === 0 || error.status === 429 || error.status >= 500)
  );
}
