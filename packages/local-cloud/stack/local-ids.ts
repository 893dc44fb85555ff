import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Ids that look like the cloud's and are the same in every run, so that a restart changes no URL. */
export const CLOUD_ID = "b1glocalcloud0000000";
/** The folder of every resource. */
export const FOLDER_ID = "b1glocalfolder000000";
/** Of the state, which a laptop has none of: part of the name of a bucket. */
export const STATE_ID = "local";
/** The only region of Yandex Cloud. */
export const REGION = "ru-central1";

/** Of the local database's owner. It guards nothing: the database listens on this machine only. */
export const LOCAL_PASSWORD = "local";

/** The containers' key, by which queue and tables know their role. Others' keys are any. */
export const RUNTIME_KEY = "local-runtime";

/**
 * Whether a container of the stack sends a request, by the name of the key that signs it. Who wants
 * to can use another key: it is a guard against surprises in the cloud, not against attackers.
 */
export function isContainer({ authorization }: IncomingHttpHeaders): boolean {
  return authorization?.includes(`Credential=${RUNTIME_KEY}/`) ?? false;
}

/** `yrn:yc:ymq:<region>:<folder>:<name>`, by which triggers and redrive policies know a queue. */
export function queueArn(name: string, folderId = FOLDER_ID): string {
  return `yrn:yc:ymq:${REGION}:${folderId}:${name}`;
}

/** The name in an ARN. */
export function queueNameOf(arn: string): string {
  return arn.split(":").at(-1) ?? arn;
}

/** Where clients find a queue. `address` is the server's, without a slash at the end. */
export function queueUrl(address: string, name: string): string {
  return `${address}/${CLOUD_ID}/${resourceId("dj6", name)}/${name}`;
}

/** An id in the cloud's shape that follows from a name alone: 20 lowercase letters and digits. */
export function resourceId(prefix: string, name: string): string {
  const digits = BigInt(`0x${createHash("sha256").update(name).digest("hex")}`).toString(36);
  return `${prefix}${digits}`.slice(0, 20);
}
