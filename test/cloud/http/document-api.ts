import type { Cloud } from "../state.ts";
import {
  bearer,
  type CloudRequest,
  type CloudResponse,
  type Context,
  type Service,
} from "./service.ts";
import { checkSignature, mayUse, SignatureError } from "./signature.ts";

type Table = Cloud["tables"][string];

interface Input {
  TableName?: string;
  AttributeDefinitions?: { AttributeName: string; AttributeType: string }[];
  KeySchema?: { AttributeName: string; KeyType: string }[];
  BillingMode?: string;
  Key?: Record<string, unknown>;
  Item?: Record<string, unknown>;
  RequestItems?: Record<string, { Keys: Record<string, unknown>[] }>;
  TimeToLiveSpecification?: { AttributeName?: string; Enabled?: boolean };
}

type Action = (cloud: Cloud, database: string, input: Input) => unknown;

class DocumentError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const ACTIONS: Readonly<Record<string, Action>> = {
  CreateTable: createTable,
  DescribeTable: (cloud, database, input) => ({
    Table: describe(find(cloud, database, input), input),
  }),
  ListTables: (cloud, database) => ({ TableNames: tableNames(cloud, database) }),
  DeleteTable: (cloud, database, input) => {
    const table = find(cloud, database, input);
    delete cloud.tables[`${database}/${input.TableName}`];
    return { TableDescription: { ...describe(table, input), TableStatus: "DELETING" } };
  },
  GetItem: (cloud, database, input) => ({
    Item: find(cloud, database, input).items?.[JSON.stringify(input.Key)],
  }),
  BatchGetItem: batchGet,
  PutItem: (cloud, database, input) => {
    const table = find(cloud, database, input);
    const key = JSON.stringify({ id: input.Item?.id });
    table.items = { ...table.items, [key]: input.Item };
    return {};
  },
  DescribeTimeToLive: (cloud, database, input) => ({
    TimeToLiveDescription: describeTtl(find(cloud, database, input)),
  }),
  UpdateTimeToLive: updateTtl,
};

/** The Document API of YDB: DynamoDB's protocol, database by the last part of the path. */
export const DOCUMENT_API: Service = {
  name: "docapi",
  handle: (request, context) => {
    try {
      checkAccess(request, context);
      return answer(200, run(request, context));
    } catch (error) {
      if (error instanceof DocumentError) return failure(error);
      if (error instanceof SignatureError) return failure(signatureError(error));
      throw error;
    }
  },
  unavailable: () =>
    answer(503, { __type: "ServiceUnavailable", message: "Service is unavailable" }),
};

function run(request: CloudRequest, context: Context): unknown {
  const target = String(request.headers["x-amz-target"] ?? "");
  const action = ACTIONS[target.replace(/^DynamoDB_20120810\./, "")];
  if (!action) throw new DocumentError("UnknownOperationException", `Unknown operation ${target}`);
  const database = request.path.split("/").at(-1) ?? "";
  const input = JSON.parse(request.body.toString("utf8") || "{}") as Input;
  return context.change((cloud) => {
    if (!cloud.databases[database]) {
      throw new DocumentError("AccessDeniedException", `Database ${database} not found`);
    }
    return action(cloud, database, input);
  });
}

function checkAccess(request: CloudRequest, context: Context): void {
  if (bearer(request)?.startsWith("t1.")) return;
  const keyId = checkSignature(request, context, "dynamodb");
  const database = request.path.split("/").at(-1) ?? "";
  const allowed = context.read((cloud) => {
    const { folderId } = cloud.databases[database] ?? {};
    const targets = [`database:${database}`, `folder:${folderId}`];
    return mayUse(cloud, context, keyId, ["ydb.editor", "ydb.admin", "editor", "admin"], targets);
  });
  if (!allowed) {
    throw new DocumentError("AccessDeniedException", "Access denied");
  }
}

// One answer holds so many items; the rest has to be asked for again.
const MAX_ANSWERED = 4;

function batchGet(cloud: Cloud, database: string, { RequestItems = {} }: Input): unknown {
  const [[TableName = "", { Keys = [] } = {}] = []] = Object.entries(RequestItems);
  refuse(Keys.length === 0 || Keys.length > 100, "Keys must be 1 to 100");
  const keys = Keys.map((key) => JSON.stringify(key));
  refuse(new Set(keys).size < keys.length, "Provided list of item keys contains duplicates");
  const { items = {} } = find(cloud, database, { TableName });
  const rest = Keys.slice(MAX_ANSWERED);
  return {
    Responses: { [TableName]: keys.slice(0, MAX_ANSWERED).flatMap((key) => items[key] ?? []) },
    UnprocessedKeys: rest.length > 0 ? { [TableName]: { Keys: rest } } : {},
  };
}

function createTable(cloud: Cloud, database: string, input: Input): unknown {
  const name = input.TableName ?? "";
  refuse(!/^[a-zA-Z0-9_.-]{3,255}$/.test(name), "TableName must be 3 to 255 characters");
  refuse(!input.KeySchema?.length, "KeySchema is required");
  const typed = (input.AttributeDefinitions ?? []).map(({ AttributeName }) => AttributeName);
  const untyped = input.KeySchema?.find(({ AttributeName }) => !typed.includes(AttributeName));
  refuse(untyped !== undefined, `No definition for key attribute ${untyped?.AttributeName}`);
  if (cloud.tables[`${database}/${name}`]) {
    throw new DocumentError("ResourceInUseException", `Table already exists: ${name}`);
  }
  const table: Table = { status: "CREATING", request: input };
  cloud.tables[`${database}/${name}`] = table;
  return { TableDescription: { ...description(table, name), TableStatus: "CREATING" } };
}

// A table is being made for the first look, and there for the second.
function describe(table: Table, input: Input) {
  const shown = description(table, input.TableName ?? "");
  table.status = "ACTIVE";
  return shown;
}

function description(table: Table, name: string) {
  const { AttributeDefinitions, KeySchema } = table.request as Input;
  return { TableName: name, TableStatus: table.status, AttributeDefinitions, KeySchema };
}

function describeTtl(table: Table) {
  const { ttlAttribute: AttributeName, ttlStatus = "DISABLED" } = table;
  if (ttlStatus === "ENABLING") table.ttlStatus = "ENABLED";
  return { TimeToLiveStatus: ttlStatus, ...(AttributeName ? { AttributeName } : {}) };
}

function updateTtl(cloud: Cloud, database: string, input: Input): unknown {
  const table = find(cloud, database, input);
  const wanted = input.TimeToLiveSpecification;
  if (table.status !== "ACTIVE") {
    throw new DocumentError("ResourceInUseException", `Table is being created: ${input.TableName}`);
  }
  refuse(
    !wanted?.AttributeName || wanted.Enabled === undefined,
    "TimeToLiveSpecification is required",
  );
  refuse(table.ttlStatus === "ENABLING", "Time to live has been modified multiple times");
  refuse(
    table.ttlStatus === "ENABLED" && wanted?.Enabled === true,
    "TimeToLive is already enabled",
  );
  table.ttlAttribute = wanted?.Enabled ? wanted.AttributeName : undefined;
  table.ttlStatus = wanted?.Enabled ? "ENABLING" : "DISABLED";
  return { TimeToLiveSpecification: wanted };
}

function find(cloud: Cloud, database: string, { TableName }: Input): Table {
  const table = cloud.tables[`${database}/${TableName}`];
  if (table) return table;
  throw new DocumentError(
    "ResourceNotFoundException",
    `Requested resource not found: Table: ${TableName} not found`,
  );
}

function tableNames(cloud: Cloud, database: string): string[] {
  const prefix = `${database}/`;
  const keys = Object.keys(cloud.tables).filter((key) => key.startsWith(prefix));
  return keys.map((key) => key.slice(prefix.length));
}

function refuse(condition: boolean, message: string): void {
  if (condition) throw new DocumentError("ValidationException", message);
}

function signatureError({ fault }: SignatureError): DocumentError {
  if (fault === "missing") {
    return new DocumentError("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  return fault === "mismatch"
    ? new DocumentError("InvalidSignatureException", "The request signature does not match")
    : new DocumentError("UnrecognizedClientException", "The security token is invalid");
}

function failure({ type, message }: DocumentError): CloudResponse {
  return answer(400, { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message });
}

function answer(status: number, body: unknown): CloudResponse {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.0" },
    body: JSON.stringify(body),
  };
}
