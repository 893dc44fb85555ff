import { createHash } from "node:crypto";
import type { Cloud } from "../state.ts";
import {
  type CloudRequest,
  type CloudResponse,
  type Context,
  escapeXml,
  type Service,
  xml,
} from "./service.ts";
import { BUCKETS } from "./services.ts";
import { checkSignature, SignatureError } from "./signature.ts";

class StorageError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const FAULTS = {
  missing: ["AccessDenied", "Access Denied"],
  "unknown key": ["InvalidAccessKeyId", "The access key id does not exist."],
  mismatch: ["SignatureDoesNotMatch", "The request signature does not match."],
} as const;

/** Object storage, path style: as much of S3 as a state backend with a lock file needs. */
export const STORAGE: Service = {
  name: "storage",
  handle: (request, context) => {
    // The API of the cloud has another host, but the same name.
    if (request.path.startsWith("/storage/v1/")) return BUCKETS.handle(request, context);
    try {
      checkSignature(request, context, "s3");
      return run(request, context);
    } catch (error) {
      if (error instanceof StorageError) return failure(error);
      if (!(error instanceof SignatureError)) throw error;
      const [code, message] = FAULTS[error.fault];
      return failure(new StorageError(403, code, message));
    }
  },
  unavailable: () =>
    failure(new StorageError(503, "ServiceUnavailable", "Reduce your request rate.")),
};

function run(request: CloudRequest, context: Context): CloudResponse {
  const [, bucket = "", key = ""] = /^\/([^/]+)\/?(.*)$/s.exec(request.path) ?? [];
  context.read((cloud) => checkBucket(cloud, bucket));
  if (key === "") return bucketRequest(request, context, bucket);
  const name = `${bucket}/${key}`;
  switch (request.method) {
    case "GET":
    case "HEAD":
      return context.read((cloud) => found(get(cloud, name)));
    case "PUT":
      return context.change((cloud) => put(cloud, name, request));
    case "DELETE":
      return context.change((cloud) => {
        delete cloud.objects[name];
        return { status: 204 };
      });
    default:
      throw new StorageError(405, "MethodNotAllowed", `${request.method} is not allowed.`);
  }
}

function bucketRequest(request: CloudRequest, context: Context, bucket: string): CloudResponse {
  if (request.method === "HEAD") return { status: 200 };
  if (request.method !== "GET") {
    throw new StorageError(
      501,
      "NotImplemented",
      `${request.method} of a bucket is not known here.`,
    );
  }
  const prefix = request.query.get("prefix") ?? "";
  const keys = context
    .read(({ objects }) => Object.keys(objects))
    .filter((name) => name.startsWith(`${bucket}/${prefix}`))
    .map((name) => name.slice(bucket.length + 1))
    .sort();
  const contents = keys.map((key) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`).join("");
  return xml(
    200,
    `<ListBucketResult><Name>${bucket}</Name><Prefix>${escapeXml(prefix)}</Prefix>` +
      `<KeyCount>${keys.length}</KeyCount><MaxKeys>1000</MaxKeys>` +
      `<IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`,
  );
}

function put(cloud: Cloud, name: string, request: CloudRequest): CloudResponse {
  const existing = cloud.objects[name];
  const { "if-none-match": none, "if-match": match } = request.headers;
  const conditional = !cloud.faults.noConditionalWrites;
  const refused =
    (none === "*" && existing !== undefined) ||
    (match !== undefined && (existing === undefined || match !== etag(existing)));
  if (conditional && refused) {
    throw new StorageError(
      412,
      "PreconditionFailed",
      "At least one of the pre-conditions you specified did not hold",
    );
  }
  const text = request.body.toString("utf8");
  cloud.objects[name] = text;
  return { status: 200, headers: { etag: etag(text) } };
}

function get(cloud: Cloud, name: string): string {
  const text = cloud.objects[name];
  if (text === undefined) {
    throw new StorageError(404, "NoSuchKey", "The specified key does not exist.");
  }
  return text;
}

function found(text: string): CloudResponse {
  const headers = { etag: etag(text), "content-type": "application/octet-stream" };
  return { status: 200, headers, body: text };
}

function checkBucket(cloud: Cloud, bucket: string): void {
  const exists = cloud.buckets ? cloud.buckets.includes(bucket) : bucket !== "missing";
  if (!exists) throw new StorageError(404, "NoSuchBucket", "The specified bucket does not exist.");
}

function etag(text: string): string {
  return `"${createHash("md5").update(text).digest("hex")}"`;
}

function failure({ status, code, message }: StorageError): CloudResponse {
  return xml(
    status,
    `<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message>` +
      "<RequestId>standin</RequestId></Error>",
  );
}
