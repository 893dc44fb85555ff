import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refused, Report } from "../events/event.ts";
import { isContainer } from "../http/caller.ts";
import type { Clock } from "../support/clock.ts";
import { refusalOf } from "../support/guard.ts";
import { type Listening, listen } from "../support/listen.ts";
import { ApiError, refusal } from "./_api-error.ts";
import type { Input } from "./_engine.ts";
import { Tables } from "./tables.ts";

const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
const TARGET = /^DynamoDB_20120810\.(\w+)$/;
const NO_TABLE = "ResourceNotFoundException";
/** What makes and changes tables, which the containers' role does not allow. */
const OF_TABLES = new Set(["CreateTable", "UpdateTable", "DeleteTable", "UpdateTimeToLive"]);
const NOT_THEIRS = "AccessDeniedException";
const FIXES: Readonly<Record<string, string>> = {
  [NO_TABLE]: "'results.table' names the table that is there at start",
  [NOT_THEIRS]: "Use that of 'results.table', or make yours from outside: `npm run local -- env`",
};
const ORDINARY = new Set([
  "ConditionalCheckFailedException",
  "TransactionCanceledException",
  "ResourceInUseException",
]);

export interface TablesServerOptions {
  /** The table of Celery's results, which is there at start. */
  readonly table: string;
  readonly port: number;
  /** Names of this machine besides localhost. @default - none */
  readonly hosts?: readonly string[];
  /** Where the tables are kept. Without it they are gone with the process. */
  readonly directory?: string;
  readonly report: Report;
  readonly clock?: Clock;
}

/**
 * Serves the Document API under every path, since the cloud's address has one
 * (`/ru-central1/<cloud>/<database>`). Signatures are not verified.
 */
export async function startTables(options: TablesServerOptions): Promise<Listening> {
  const { table, port, hosts, directory, report, clock } = options;
  const tables = await Tables.open({ report, clock, directory });
  await tables.ensureResultsTable(table);
  const server = await listen((request, response) => {
    void handle({ tables, report, hosts }, request, response);
  }, port);
  return {
    ...server,
    async close() {
      await server.close();
      await tables.close();
    },
  };
}

async function handle(
  {
    tables,
    report,
    hosts,
  }: Pick<TablesServerOptions, "report" | "hosts"> & { readonly tables: Tables },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let operation = "";
  try {
    operation = operationOf(request, hosts);
    checkRights(operation, request);
    send(response, 200, await tables.call(operation, await readInput(request)));
  } catch (error) {
    // The client has gone.
    if (request.socket.destroyed) return;
    const failure = asApiError(error);
    if (!isOrdinary(operation, failure.code)) report(renderRefused(operation, failure));
    send(response, failure.status, failure.body);
  }
}

/** Whether programs ask for such an error, or provoke it, in the ordinary course of things. */
function isOrdinary(operation: string, code: string): boolean {
  return code === NO_TABLE ? operation === "DescribeTable" : ORDINARY.has(code);
}

function renderRefused(operation: string, { code, message }: ApiError): Refused {
  return {
    type: "refused",
    by: "tables",
    code,
    message: operation ? `${operation}: ${message}` : message,
    ...(operation !== "" && FIXES[code] !== undefined && { fix: FIXES[code] }),
  };
}

function checkRights(operation: string, { headers }: IncomingMessage): void {
  if (!OF_TABLES.has(operation) || !isContainer(headers)) return;
  throw refusal(
    NOT_THEIRS,
    "A container has no right to this: its role is for items, and whoever deploys makes the tables.",
  );
}

function operationOf(request: IncomingMessage, hosts?: readonly string[]): string {
  const foreign = refusalOf(request, hosts);
  if (foreign !== undefined) {
    throw new ApiError(403, { __type: "AccessDeniedException", message: foreign });
  }
  const [, operation] = String(request.headers["x-amz-target"]).match(TARGET) ?? [];
  if (request.method !== "POST" || operation === undefined) {
    throw refusal(
      "UnknownOperationException",
      "This is the Document API: it takes POSTs of DynamoDB's protocol, version 2012-08-10.",
    );
  }
  if (!request.headers.authorization) {
    throw refusal("MissingAuthenticationTokenException", "Request is missing Authentication Token");
  }
  return operation;
}

async function readInput(request: IncomingMessage): Promise<Input> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_REQUEST_BYTES) {
      throw new ApiError(413, {
        __type: "RequestTooLargeException",
        message: `The request is larger than ${MAX_REQUEST_BYTES} bytes.`,
      });
    }
    chunks.push(chunk);
  }
  const input = parse(Buffer.concat(chunks).toString());
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw refusal("SerializationException", "The request is not a JSON object");
  }
  return input as Input;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(500, {
    __type: "com.amazonaws.dynamodb.v20120810#InternalServerError",
    message: error instanceof Error ? error.message : String(error),
  });
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/x-amz-json-1.0",
    "content-length": Buffer.byteLength(text),
    "x-amzn-requestid": randomUUID(),
  });
  response.end(text);
}
