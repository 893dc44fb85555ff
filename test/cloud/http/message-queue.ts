import { createHash } from "node:crypto";
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

type Action = (queue: Queue, form: URLSearchParams, url: string) => string;

const ACTIONS: Readonly<Record<string, Action>> = {
  GetQueueAttributes: (queue, form) => {
    const all: Record<string, string> = {
      ...queue.attributes,
      QueueArn: queue.arn,
      ApproximateNumberOfMessages: `${queue.messages.length}`,
      ApproximateNumberOfMessagesNotVisible: "0",
      ApproximateNumberOfMessagesDelayed: "0",
    };
    const names = [...form].filter(([key]) => /^AttributeName(\.\d+)?$/.test(key));
    const wanted = names.some(([, name]) => name === "All")
      ? Object.keys(all)
      : names.map(([, n]) => n);
    return wanted
      .filter((name) => name in all)
      .map((name) => `<Attribute>${tag("Name", name)}${tag("Value", all[name] ?? "")}</Attribute>`)
      .join("");
  },
  GetQueueUrl: (_, __, url) => tag("QueueUrl", url),
  SendMessage: (queue, form) => {
    const body = form.get("MessageBody");
    if (!body) throw new QueueError("MissingParameter", "MessageBody is required");
    queue.messages.push(body);
    return tag("MessageId", messageId(body)) + tag("MD5OfMessageBody", md5(body));
  },
  ReceiveMessage: (queue, form) => {
    const most = Number(form.get("MaxNumberOfMessages") ?? 1);
    return queue.messages
      .slice(0, most)
      .map(
        (body) =>
          `<Message>${tag("MessageId", messageId(body))}${tag("ReceiptHandle", messageId(body))}` +
          `${tag("MD5OfBody", md5(body))}${tag("Body", body)}</Message>`,
      )
      .join("");
  },
  DeleteMessage: (queue, form) => {
    queue.messages = queue.messages.filter((body) => messageId(body) !== form.get("ReceiptHandle"));
    return "";
  },
  PurgeQueue: (queue) => {
    queue.messages = [];
    return "";
  },
};

/** Message Queue by the Query protocol: a signed form to the queue's URL, XML back. */
export const MESSAGE_QUEUE: Service = {
  name: "message-queue",
  handle: (request, context) => {
    try {
      return run(request, context);
    } catch (error) {
      if (error instanceof QueueError) return failure(error);
      if (error instanceof SignatureError) return failure(signatureError(error));
      throw error;
    }
  },
  unavailable: () => failure(new QueueError("ServiceUnavailable", "Service is unavailable", 503)),
};

function run(request: CloudRequest, context: Context): CloudResponse {
  const keyId = checkSignature(request, context, "sqs");
  const form = new URLSearchParams(request.body.toString("utf8"));
  const name = form.get("Action") ?? "";
  const action = ACTIONS[name];
  if (!action) throw new QueueError("InvalidAction", `The action ${name} is not valid`);
  const result = context.change((cloud) => {
    const [url, queue] = find(cloud, request, form);
    if (!mayUse(cloud, context, keyId, rolesFor(name), [`folder:${queue.folderId}`])) {
      throw new QueueError("AccessDeniedException", "Access to the resource is denied", 403);
    }
    return action(queue, form, url);
  });
  const metadata = "<ResponseMetadata><RequestId>standin</RequestId></ResponseMetadata>";
  return xml(
    200,
    `<${name}Response><${name}Result>${result}</${name}Result>${metadata}</${name}Response>`,
  );
}

// Whoever may read may purge and delete too, whatever the role is called.
function rolesFor(action: string): string[] {
  const both = ["ymq.admin", "editor", "admin"];
  if (action === "SendMessage") return ["ymq.writer", ...both];
  if (action.startsWith("Get")) return ["ymq.reader", "ymq.writer", ...both];
  return ["ymq.reader", ...both];
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

function messageId(body: string): string {
  return md5(`id ${body}`);
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
