import { mkdir, mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report } from "../events/event.ts";
import { type Listening, listen } from "../support/listen.ts";
import { splitTarget } from "../support/target.ts";
import { findRefusal, type Refusal } from "./_refusal.ts";
import { openS3, type S3Failure } from "./_s3rver.ts";

/** What the server serves, and to whom. */
export interface StorageServerOptions {
  /** The bucket of uploads, which exists from the start. */
  readonly bucket: string;
  /** The port to try first; 0 for any. */
  readonly port: number;
  /** Names of this machine besides localhost. @default - none */
  readonly hosts?: readonly string[];
  /** Secret keys by their ids. */
  readonly keys: Readonly<Record<string, string>>;
  /** Where the files are kept. Without it they are gone with the process. */
  readonly directory?: string | undefined;
  readonly report: Report;
}

/** What programs provoke in the ordinary course of things. */
const ORDINARY = "NoSuchKey";

/**
 * Serves a private bucket to clients of S3, and to browsers with signed links. Signatures are verified,
 * but those of forms that upload.
 */
export async function startStorage(options: StorageServerOptions): Promise<Listening> {
  const { port, hosts, report } = options;
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "local-cloud-storage-")));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const onFailure = (failure: S3Failure, request: IncomingMessage) =>
    reportFailure(failure, request, options);
  const serve = await openS3({ ...options, directory, onFailure });
  const server = await listen((request, response) => {
    const refusal = findRefusal(request, hosts);
    if (!refusal) return serve(request, response);
    report({ type: "refused", by: "storage", ...refusal });
    refuse(request, response, refusal);
  }, port);
  return {
    ...server,
    async close() {
      await server.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { code, message }: Refusal,
): void {
  // Who is answered while it sends sees its connection break.
  request.resume().once("end", () => {
    const text = message.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    response.writeHead(code === "AccessDenied" ? 403 : 400, { "content-type": "application/xml" });
    response.end(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${text}</Message></Error>`,
    );
  });
}

function reportFailure(
  { code = "InternalError", message }: S3Failure,
  request: IncomingMessage,
  { bucket, report }: StorageServerOptions,
): void {
  // The client has gone.
  if (request.socket.destroyed || code === ORDINARY) return;
  const { path } = splitTarget(request);
  report({
    ...{ type: "refused", by: "storage", code, message: `${request.method} ${path}: ${message}` },
    ...(code === "NoSuchBucket" && { fix: `The bucket of 'media' is ${bucket}` }),
  });
}
