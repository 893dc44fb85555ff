import { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import { startQueueServer } from "../../../packages/local-cloud/queue/server.ts";
import { changeSettings, defaultSettings } from "../../../packages/local-cloud/queue/settings.ts";
import { type Clock, realClock } from "../../../packages/local-cloud/support/clock.ts";
import type { Cloud, Queue } from "../state.ts";
import {
  type CloudRequest,
  type CloudResponse,
  type Context,
  escapeXml,
  type Service,
  xml,
} from "./service.ts";
import { checkSignature, mayUse, SignatureError } from "./signature.ts";

class QueueError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Whoever may read may purge and delete too, whatever the role is called. */
const READER = ["ymq.reader", "ymq.admin", "editor", "admin"];
const WRITER = ["ymq.writer", "ymq.admin", "editor", "admin"];
const ROLES: Readonly<Record<string, readonly string[]>> = {
  ChangeMessageVisibility: READER,
  ChangeMessageVisibilityBatch: READER,
  DeleteMessage: READER,
  DeleteMessageBatch: READER,
  GetQueueAttributes: [...READER, ...WRITER],
  GetQueueUrl: [...READER, ...WRITER],
  PurgeQueue: READER,
  ReceiveMessage: READER,
  SendMessage: WRITER,
  SendMessageBatch: WRITER,
};
/** A queue is purged once in so long. */
const PURGE_MS = 60_000;
/** Fewer than were asked for may come, also where more are there. */
const MOST_AT_ONCE = 7;

/**
 * The messages of the stand-in cloud: in the local cloud's queue, which behaves as the service is
 * documented. Lives as long as the HTTP side of the cloud does.
 */
export interface Messages {
  readonly queues: Queues;
  /** Where they are served. */
  readonly url: string;
  /** Lets time go by, for visibility timeouts, delays and retention. */
  pass(seconds: number): void;
  now(): number;
  /** When each queue was purged. */
  readonly purgedAt: Map<string, number>;
  /** Receives without a wait so far. */
  polls: number;
  close(): Promise<void>;
}

export async function startMessages(): Promise<Messages> {
  let offset = 0;
  const now = () => Date.now() + offset;
  const setTimer: Clock["setTimer"] = (at, act) => realClock.setTimer(at - offset, act);
  const queues = new Queues({ clock: { now, setTimer }, report: () => {} });
  const server = await startQueueServer({ queues, port: 0, report: () => {} });
  return {
    ...{ queues, now, purgedAt: new Map(), polls: 0 },
    url: `http://127.0.0.1:${server.port}`,
    pass: (seconds) => {
      offset += seconds * 1000;
    },
    close: async () => {
      queues.close();
      await server.close();
    },
  };
}

/** Message Queue by the Query protocol: a signed form to the queue's URL, XML back. */
export const MESSAGE_QUEUE: Service = {
  name: "message-queue",
  handle: async (request, context) => {
    try {
      return await run(request, context);
    } catch (error) {
      if (error instanceof QueueError) return failure(error);
      if (error instanceof SignatureError) return failure(signatureError(error));
      throw error;
    }
  },
  unavailable: () => failure(new QueueError("ServiceUnavailable", "Service is unavailable", 503)),
};

async function run(request: CloudRequest, context: Context): Promise<CloudResponse> {
  const keyId = checkSignature(request, context, "sqs");
  const form = new URLSearchParams(request.body.toString("utf8"));
  const name = form.get("Action") ?? "";
  const roles = ROLES[name];
  if (!roles) throw new QueueError("InvalidAction", `The action ${name} is not valid`);
  const [url, queue] = context.change((cloud) => {
    const found = find(cloud, request, form);
    if (!mayUse(cloud, context, keyId, roles, [`folder:${found[1].folderId}`])) {
      throw new QueueError("AccessDeniedException", "Access to the resource is denied", 403);
    }
    align(context.messages.queues, cloud);
    return found;
  });
  if (name === "GetQueueUrl") return xml(200, wrapped(name, tag("QueueUrl", url)));
  if (name === "PurgeQueue") checkPurge(context.messages, queue.name);
  const isEmpty = name === "ReceiveMessage" && limit(form, context.messages);
  if (isEmpty) return xml(200, wrapped(name, ""));
  form.set("QueueUrl", `/${queue.name}`);
  const answer = await fetch(context.messages.url, { method: "POST", body: form });
  return { ...xml(answer.status, ""), body: await answer.text() };
}

// Terraform has made, changed and deleted queues since.
function align(queues: Queues, cloud: Cloud): void {
  const wanted = new Map(Object.values(cloud.queues).map((queue) => [queue.name, queue]));
  for (const name of queues.names) if (!wanted.has(name)) queues.remove(name);
  for (const { name, attributes } of wanted.values()) {
    const { FifoQueue: _, ContentBasedDeduplication: __, ...settings } = attributes;
    queues.create(changeSettings(defaultSettings(name), settings));
  }
}

function checkPurge({ purgedAt, now }: Messages, name: string): void {
  if (now() - (purgedAt.get(name) ?? 0) < PURGE_MS) {
    throw new QueueError("PurgeQueueInProgress", "Indicates that it was purged lately.", 403);
  }
  purgedAt.set(name, now());
}

/**
 * Says whether nothing comes: without a wait a receive looks into one part of the queue, and the
 * messages may be in another.
 */
function limit(form: URLSearchParams, messages: Messages): boolean {
  const most = Math.min(Number(form.get("MaxNumberOfMessages") ?? 1), MOST_AT_ONCE);
  form.set("MaxNumberOfMessages", String(most));
  if (Number(form.get("WaitTimeSeconds") ?? 0) > 0) return false;
  messages.polls += 1;
  return messages.polls % 2 === 0;
}

function wrapped(name: string, result: string): string {
  const metadata = "<ResponseMetadata><RequestId>standin</RequestId></ResponseMetadata>";
  return `<${name}Response><${name}Result>${result}</${name}Result>${metadata}</${name}Response>`;
}

// The host may be another one than the URL was made with; the path names the queue.
function find(cloud: Cloud, request: CloudRequest, form: URLSearchParams): [string, Queue] {
  const name = form.get("QueueName");
  const path = new URL(form.get("QueueUrl") ?? request.path, "http://host").pathname;
  const entry = Object.entries(cloud.queues).find(([url, queue]) =>
    name ? queue.name === name : new URL(url).pathname.endsWith(path) && path.length > 1,
  );
  if (entry) return entry;
  throw new QueueError(
    "AWS.SimpleQueueService.NonExistentQueue",
    "The specified queue doesn't exist.",
  );
}

function signatureError({ fault }: SignatureError): QueueError {
  if (fault === "missing") {
    return new QueueError("MissingAuthenticationToken", "Missing authentication token", 403);
  }
  return fault === "mismatch"
    ? new QueueError("SignatureDoesNotMatch", "The request signature does not match", 403)
    : new QueueError("InvalidClientTokenId", "The access key is unknown", 403);
}

function failure({ code, message, status }: QueueError): CloudResponse {
  const error = `<Error><Type>Sender</Type>${tag("Code", code)}${tag("Message", message)}</Error>`;
  return xml(status, `<ErrorResponse>${error}<RequestId>standin</RequestId></ErrorResponse>`);
}

function tag(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}
