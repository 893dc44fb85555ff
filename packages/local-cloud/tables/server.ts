import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refused, Report } from "../events/event.ts";
import { isContainer } from "../stack/local-ids.ts";
import type { Clock } from "../support/clock.ts";
import { refusalOf } from "../support/guard.ts";
import { type JsonObject, parseObject } from "../support/json.ts";
import { type Listening, listen } from "../support/listen.ts";
import { readBody } from "../support/read-body.ts";
import { DocumentApiError, rejection } from "./_errors.ts";
import { Tables } from "./tables.ts";

const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
const TARGET = /^DynamoDB_20120810\.(\w+)$/;
const NO_TABLE = "ResourceNotFoundException";
/** What creates and changes tables, which the containers' role does not allow. */
const OF_TABLES = new Set(["CreateTable", "UpdateTable", "DeleteTable", "UpdateTimeToLive"]);
const NOT_THEIRS = "AccessDeniedException";
const FIXES: Readonly<Record<string, string>> = {
  [NO_TABLE]: "'results.table' names the table that exists at start",
  [NOT_THEIRS]:
    "Use the table of 'results.table', or create yours from outside: `npm run local -- env`",
};
const ORDINARY = new Set(["ConditionalCheckFailedException", "ResourceInUseException"]);

/** What the server serves, and to whom. */
export interface TablesServerOptions {
  /** The table of Celery's results, which exists from the start. */
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
  const { table, port, directory, report, clock } = options;
  const tables = await Tables.open({ report, clock, directory });
  await tables.ensureResultsTable(table);
  const server = await listen((request, response) => {
    void handle(tables, options, request, response);
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
  tables: Tables,
  { report, hosts }: TablesServerOptions,
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

/** Whether programs provoke such an error in the ordinary course of things. */
function isOrdinary(operation: string, code: string): boolean {
  return code === NO_TABLE ? operation === "DescribeTable" : ORDINARY.has(code);
}

function renderRefused(operation: string, { code, message }: DocumentApiError): Refused {
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
  throw rejection(
    NOT_THEIRS,
    "A container may not do this: its role covers items, and tables are created by whoever deploys.",
  );
}

function operationOf(request: IncomingMessage, hosts?: readonly string[]): string {
  const foreign = refusalOf(request, hosts);
  if (foreign !== undefined) {
    throw new DocumentApiError(403, { __type: "AccessDeniedException", message: foreign });
  }
  const [, operation] = String(request.headers["x-amz-target"]).match(TARGET) ?? [];
  if (request.method !== "POST" || operation === undefined) {
    throw rejection(
      "UnknownOperationException",
      "This is the Document API: it accepts POST requests of the DynamoDB protocol, version 2012-08-10.",
    );
  }
  if (!request.headers.authorization) {
    throw rejection(
      "MissingAuthenticationTokenException",
      "Request is missing Authentication Token",
    );
  }
  return operation;
}

async function readInput(request: IncomingMessage): Promise<JsonObject> {
  const body = await readBody(request, MAX_REQUEST_BYTES);
  if (body.length > MAX_REQUEST_BYTES) {
    throw new DocumentApiError(413, {
      __type: "RequestTooLargeException",
      message: `The request is larger than ${MAX_REQUEST_BYTES} bytes.`,
    });
  }
  const input = parseObject(body.toString());
  if (input !== undefined) return input;
  throw rejection("SerializationException", "The request is not a JSON object");
}

function asApiError(error: unknown): DocumentApiError {
  if (error instanceof DocumentApiError) return error;
  return new DocumentApiError(500, {
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
