import type { BackendSettings } from "../../../stacks/settings.ts";
import { type AccessKey, signedRequest } from "../cloud/aws-request.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";

type S3Backend = Extract<BackendSettings, { type: "s3" }>;

/**
 * Proves that the bucket can hold a lock: of two writes that must not replace anything, the second
 * has to fail. A store that ignores the condition would let two deploys write one state.
 */
export async function proveLock(system: System, backend: S3Backend): Promise<void> {
  const key = findKey(system);
  const name = `${backend.prefix}/lock-check-${system.now().toString(36)}-${process.pid}`;
  const url = `${backend.endpoint.replace(/\/$/, "")}/${backend.bucket}/${name}`;
  const send = (method: string, headers?: Record<string, string>, body?: string) =>
    signedRequest(system, {
      key,
      service: "s3",
      region: backend.region,
      method,
      url,
      headers,
      body,
    });
  const condition = { "if-none-match": "*" };
  const first = await send("PUT", condition, "first");
  if (!first.ok) throw refusal(backend, first.status);
  const second = await send("PUT", condition, "second");
  await send("DELETE");
  if (second.status === 412 || second.status === 409) return;
  throw new UserError(
    `Bucket ${backend.bucket} ignores conditional writes, so it cannot lock the state (${backend.endpoint} answered ${second.status} instead of 412). Use another store, or the local backend and one machine.`,
  );
}

function findKey({ env }: System): AccessKey {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey };
  throw new UserError(
    "The state is kept in Object Storage, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set. Set them to a static key that may write to the bucket.",
  );
}

function refusal({ bucket, endpoint }: S3Backend, status: number): UserError {
  if (status === 404) {
    return new UserError(
      `Bucket ${bucket} does not exist at ${endpoint}. Create it and switch versioning on.`,
    );
  }
  if (status === 403) {
    return new UserError(
      `The key in AWS_ACCESS_KEY_ID may not write to bucket ${bucket}. Grant storage.editor on it.`,
    );
  }
  return new UserError(`Bucket ${bucket} cannot be written: ${endpoint} answered ${status}.`);
}
