import * as v from "valibot";
import { parseObject } from "../../../packages/local-cloud/support/json.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import type { Access } from "./access.ts";
import { request } from "./cloud-api.ts";

const TARGET = "DynamoDB_20120810";
const KEY = "id";
const TTL_ATTRIBUTE = "ttl";
/** The first wait, which doubles up to the longest. */
const POLL_MS = 250;
const MAX_POLL_MS = 4000;
const TIMEOUT_MS = 5 * 60_000;
const ATTEMPTS = 5;

/** Which table, where, and who asks for it. */
export interface TableOptions {
  readonly system: System;
  readonly access: Access;
  /** The database's Document API. */
  readonly endpoint: string;
  readonly table: string;
}

/**
 * Creates the table in which Celery keeps its results unless it exists. Returns what was done, once
 * the table takes writes and old results expire.
 */
export async function ensureTable(options: TableOptions): Promise<string> {
  const made = await createUnlessThere(options);
  await until(options, `Table ${options.table} does not become active`, async () => {
    const description = await describe(options);
    return description?.TableStatus === "ACTIVE" && description;
  });
  const enabled = await enableExpiry(options);
  if (made) return "created";
  return enabled ? "expiry switched on" : "unchanged";
}

/** The request that creates the table. */
export function renderCreateTable(table: string) {
  return {
    TableName: table,
    AttributeDefinitions: [{ AttributeName: KEY, AttributeType: "S" }],
    KeySchema: [{ AttributeName: KEY, KeyType: "HASH" }],
    BillingMode: "PAY_PER_REQUEST",
  };
}

const tableSchema = v.object({
  TableStatus: v.string(),
  KeySchema: v.optional(v.array(v.object({ AttributeName: v.string(), KeyType: v.string() }))),
});

const expirySchema = v.object({
  TimeToLiveDescription: v.optional(
    v.object({
      TimeToLiveStatus: v.optional(v.string(), "DISABLED"),
      AttributeName: v.optional(v.string()),
    }),
    {},
  ),
});

async function createUnlessThere(options: TableOptions): Promise<boolean> {
  const existing = await describe(options);
  if (existing === undefined) {
    const answer = await call(options, "CreateTable", renderCreateTable(options.table));
    if (answer.error && answer.error !== "ResourceInUseException") throw failure(answer);
    return true;
  }
  const keys = existing.KeySchema?.map(({ AttributeName }) => AttributeName) ?? [KEY];
  if (keys.length === 1 && keys[0] === KEY) return false;
  throw new UserError(
    `Table ${options.table} exists with the key ${keys.join(", ")}, but Celery needs '${KEY}'. Set 'results.table' in config.ts to another name.`,
  );
}

async function describe(options: TableOptions) {
  const answer = await call(options, "DescribeTable", { TableName: options.table });
  if (answer.error === "ResourceNotFoundException") return undefined;
  if (answer.error) throw failure(answer);
  return v.parse(v.object({ Table: tableSchema }), answer.body).Table;
}

// Switching expiry on may take an hour, during which the service rejects another request.
async function enableExpiry(options: TableOptions): Promise<boolean> {
  const before = await describeExpiry(options);
  if (isOn(before)) {
    if (before.AttributeName === undefined || before.AttributeName === TTL_ATTRIBUTE) return false;
    throw new UserError(
      `Rows of table ${options.table} expire by '${before.AttributeName}', but Celery writes '${TTL_ATTRIBUTE}'. Set 'results.table' in config.ts to another name.`,
    );
  }
  const answer = await call(options, "UpdateTimeToLive", {
    TableName: options.table,
    TimeToLiveSpecification: { AttributeName: TTL_ATTRIBUTE, Enabled: true },
  });
  if (answer.error && answer.error !== "ValidationException") throw failure(answer);
  await until(options, `Expiry of table ${options.table} is not switched on`, async () =>
    isOn(await describeExpiry(options)),
  );
  return true;
}

async function describeExpiry(options: TableOptions) {
  const answer = await call(options, "DescribeTimeToLive", { TableName: options.table });
  if (answer.error) throw failure(answer);
  return v.parse(expirySchema, answer.body).TimeToLiveDescription;
}

function isOn(expiry: { readonly TimeToLiveStatus?: string | undefined }): boolean {
  return expiry.TimeToLiveStatus === "ENABLED" || expiry.TimeToLiveStatus === "ENABLING";
}

async function until(
  { system }: TableOptions,
  problem: string,
  reached: () => Promise<unknown>,
): Promise<void> {
  const deadline = system.now() + TIMEOUT_MS;
  for (let wait = POLL_MS; !(await reached()); wait = Math.min(2 * wait, MAX_POLL_MS)) {
    if (system.now() > deadline)
      throw new UserError(`${problem}. Run \`npm run table\` again later.`);
    await system.sleep(wait);
  }
}

/** What the Document API has answered. */
export interface TableResponse {
  readonly action: string;
  readonly status: number;
  readonly body: unknown;
  /** The name of the error, without its namespace. */
  readonly error: string | undefined;
  readonly message: string;
}

const errorSchema = v.object({
  __type: v.optional(v.string(), ""),
  message: v.optional(v.string()),
  Message: v.optional(v.string()),
});

/** A call that may be repeated: a new database or a new right may need a moment. */
export async function call(
  options: TableOptions,
  action: string,
  body: object,
): Promise<TableResponse> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await callOnce(options, action, body);
    const passing = answer.status === 429 || answer.status >= 500;
    if (!passing || attempt === ATTEMPTS) return answer;
    await options.system.sleep(POLL_MS * attempt);
  }
}

async function callOnce(
  { system, access, endpoint }: TableOptions,
  action: string,
  body: object,
): Promise<TableResponse> {
  const response = await request(system, endpoint, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await access.token()}`,
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `${TARGET}.${action}`,
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const { status } = response;
  if (response.ok) return { action, status, body: JSON.parse(text), error: undefined, message: "" };
  return { action, status, body: undefined, ...parseError(text) };
}

function parseError(text: string): { error: string; message: string } {
  const { success, output } = v.safeParse(errorSchema, parseObject(text));
  if (!success) return { error: "unknown error", message: text.slice(0, 200) || "no explanation" };
  const { __type, message, Message } = output;
  return { error: __type.split("#").at(-1) || "unknown error", message: message ?? Message ?? "" };
}

/** What to tell the user about a call that failed. */
export function failure({ action, status, error, message }: TableResponse): UserError {
  const hint = /AccessDenied|Unrecognized|Unauthorized/i.test(`${error}${message}`)
    ? " Grant ydb.editor on the folder to the account that deploys."
    : "";
  return new UserError(`Document API, ${action}: ${error} (${status}) ${message}.${hint}`);
}
