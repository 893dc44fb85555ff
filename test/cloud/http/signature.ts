import { createHash, createHmac } from "node:crypto";
import type { Cloud } from "../state.ts";
import type { CloudRequest, Context } from "./service.ts";

/** Why a signature is no good. Every protocol words these in its own way. */
export type SignatureFault = "missing" | "unknown key" | "mismatch";

export class SignatureError extends Error {
  readonly fault: SignatureFault;

  constructor(fault: SignatureFault) {
    super(fault);
    this.fault = fault;
  }
}

const REGION = "ru-central1";

/** Checks an AWS signature (version 4) and gives the access key's id. */
export function checkSignature(request: CloudRequest, context: Context, service: string): string {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  const [, keyId = "", day = "", region = "", scope = "", signed = "", signature] = found ?? [];
  if (!found) throw new SignatureError("missing");
  const secret = context.accessKeys[keyId] ?? context.read(({ keys }) => keys[keyId]?.secret);
  if (secret === undefined) throw new SignatureError("unknown key");
  const text = [
    "AWS4-HMAC-SHA256",
    request.headers["x-amz-date"],
    `${day}/${region}/${scope}/aws4_request`,
    sha256(canonicalRequest(request, signed, service)),
  ].join("\n");
  const key = [day, region, scope, "aws4_request"].reduce<string | Buffer>(
    (at, part) => createHmac("sha256", at).update(part).digest(),
    `AWS4${secret}`,
  );
  const wanted = createHmac("sha256", key).update(text).digest("hex");
  if (region !== REGION || scope !== service || wanted !== signature) {
    throw new SignatureError("mismatch");
  }
  return keyId;
}

/** Whether the key's owner holds one of the roles on one of the targets, and already. */
export function mayUse(
  cloud: Cloud,
  context: Context,
  keyId: string,
  roles: readonly string[],
  targets: readonly string[],
): boolean {
  if (keyId in context.accessKeys) return true;
  const member = `serviceAccount:${cloud.keys[keyId]?.accountId}`;
  return cloud.grants.some(
    (grant) =>
      grant.member === member &&
      grant.effectiveAt <= cloud.tick &&
      targets.includes(grant.target) &&
      roles.includes(grant.role),
  );
}

function canonicalRequest(request: CloudRequest, signed: string, service: string): string {
  const [path = "", query = ""] = request.target.split("?");
  const headers = signed.split(";").map((name) => {
    const value = name === "host" ? request.headers.host : request.headers[name];
    return `${name}:${String(value ?? "")
      .trim()
      .replace(/ +/g, " ")}\n`;
  });
  return [
    request.method,
    // Object storage alone signs the path as it is sent.
    service === "s3" ? path : path.split("/").map(encode).join("/"),
    canonicalQuery(query),
    headers.join(""),
    signed,
    request.headers["x-amz-content-sha256"] ?? sha256(request.body),
  ].join("\n");
}

function canonicalQuery(query: string): string {
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", value = ""] = pair.split("=");
      return `${encode(decode(name))}=${encode(decode(value))}`;
    })
    .sort()
    .join("&");
}

function decode(text: string): string {
  return decodeURIComponent(text.replace(/\+/g, " "));
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
