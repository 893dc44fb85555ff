import type { IncomingMessage, RequestListener } from "node:http";
import { createRequire as requireFrom } from "node:module";

/** What s3rver answers a request with that it does not carry out. */
export interface S3Failure {
  /** Of S3, e.g. "NoSuchKey"; `undefined` for a failure of its own. */
  readonly code?: string;
  readonly message: string;
}

/** S3 on a folder, without a server of its own. */
interface S3rver {
  configureBuckets(): Promise<unknown>;
  callback(): RequestListener;
  on(
    event: "error",
    listener: (failure: S3Failure, context: { readonly req: IncomingMessage }) => void,
  ): void;
}

interface S3rverOptions {
  readonly directory: string;
  readonly silent: boolean;
  /** Whether a host's first name can be a bucket. */
  readonly vhostBuckets: boolean;
  readonly configureBuckets: readonly { readonly name: string; readonly configs: string[] }[];
}

interface Accounts {
  readonly DUMMY_ACCOUNT: { createKeyPair(id: string, secret: string): void };
}

/** What {@link openS3} serves. */
export interface S3Options {
  readonly directory: string;
  /** Created unless it is there. */
  readonly bucket: string;
  /** Secret keys by their ids. */
  readonly keys: Readonly<Record<string, string>>;
  readonly onFailure: (failure: S3Failure, request: IncomingMessage) => void;
}

const load = requireFrom(import.meta.url);

// As the stack sets it, but for any origin: a page of another site is refused before.
const CORS = `<CORSConfiguration><CORSRule>
  <AllowedOrigin>*</AllowedOrigin>
  <AllowedMethod>GET</AllowedMethod>
  <AllowedMethod>HEAD</AllowedMethod>
  <AllowedMethod>PUT</AllowedMethod>
  <AllowedMethod>POST</AllowedMethod>
  <AllowedHeader>*</AllowedHeader>
  <ExposeHeader>ETag</ExposeHeader>
</CORSRule></CORSConfiguration>`;

/**
 * S3 on a folder, by s3rver. Signatures are verified where there are some. Loaded here, since most
 * stacks have no bucket.
 */
export async function openS3(options: S3Options): Promise<RequestListener> {
  const { directory, bucket, keys, onFailure } = options;
  const { DUMMY_ACCOUNT }: Accounts = load("@20minutes/s3rver/lib/models/account");
  for (const [id, secret] of Object.entries(keys)) DUMMY_ACCOUNT.createKeyPair(id, secret);
  const Server: new (options: S3rverOptions) => S3rver = load("@20minutes/s3rver");
  const server = new Server({
    ...{ directory, silent: true, vhostBuckets: false },
    configureBuckets: [{ name: bucket, configs: [CORS] }],
  });
  await server.configureBuckets();
  server.on("error", (failure, { req }) => onFailure(failure, req));
  return server.callback();
}
