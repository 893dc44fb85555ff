import { AwsV4Signer } from "aws4fetch";
import type { System } from "../shell/system.ts";
import { request } from "./cloud-api.ts";

/** A static key of a service account. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A request to Object Storage or Message Queue. */
export interface SignedRequest {
  readonly key: AccessKey;
  readonly service: "s3" | "sqs";
  readonly region: string;
  readonly method: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Sends a request with the signature that the AWS-like services of the cloud want. */
export async function signedRequest(system: System, options: SignedRequest): Promise<Response> {
  const { key, ...rest } = options;
  const signer = new AwsV4Signer({
    ...key,
    ...rest,
    datetime: new Date(system.now()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
  });
  const { method, url, headers, body } = await signer.sign();
  return request(system, url.toString(), { method, headers, body });
}
