import type { JsonObject } from "../support/json.ts";
import { action, type QueueAction, type QueueCall, queueName } from "./_action.ts";
import { entries, messageAttributes, optionalText, text, texts, wholeNumber } from "./_input.ts";
import { checkSize, type SendInput } from "./_new-message.ts";
import { QueueError } from "./errors.ts";
import {
  MAX_BATCH,
  MAX_DELAY_SECONDS,
  MAX_MESSAGE_BYTES,
  MAX_VISIBILITY_SECONDS,
  MAX_WAIT_SECONDS,
} from "./limits.ts";
import { type MessageAttributes, sizeOf } from "./message.ts";
import type { ReceivedMessage } from "./queues.ts";

const SEND = [
  "MessageBody",
  "DelaySeconds",
  "MessageAttributes",
  // X-Ray's header, which the cloud accepts and ignores.
  "MessageSystemAttributes",
  // For FIFO queues; a standard queue ignores them.
  "MessageDeduplicationId",
  "MessageGroupId",
];
const RECEIVE = [
  "QueueUrl",
  "AttributeNames",
  "MessageSystemAttributeNames",
  "MessageAttributeNames",
  "MaxNumberOfMessages",
  "VisibilityTimeout",
  "WaitTimeSeconds",
  "ReceiveRequestAttemptId",
];
const TOO_LONG = "VisibilityTimeout parameter must be less than or equal to 12 hours.";

/** The actions on messages. */
export const messageActions: Readonly<Record<string, QueueAction>> = {
  SendMessage: action(["QueueUrl", ...SEND], sendMessage),
  SendMessageBatch: action(["QueueUrl", "Entries"], sendMessageBatch),
  ReceiveMessage: action(RECEIVE, receiveMessage),
  DeleteMessage: action(["QueueUrl", "ReceiptHandle"], deleteMessage),
  DeleteMessageBatch: action(["QueueUrl", "Entries"], (call) => batch(call, deleteEntry)),
  ChangeMessageVisibility: action(
    ["QueueUrl", "ReceiptHandle", "VisibilityTimeout"],
    changeMessageVisibility,
  ),
  ChangeMessageVisibilityBatch: action(["QueueUrl", "Entries"], (call) => batch(call, hideEntry)),
};

function sendMessage(call: QueueCall): JsonObject {
  return sendOne(call, queueName(call), call.input);
}

function sendOne({ queues }: QueueCall, name: string, input: JsonObject): JsonObject {
  const sent = queues.send(name, readSend(input));
  return {
    MessageId: sent.messageId,
    MD5OfMessageBody: sent.md5,
    MD5OfMessageAttributes: sent.md5OfAttributes,
  };
}

function readSend(input: JsonObject): SendInput {
  return {
    body: optionalText(input, "MessageBody") ?? "",
    delaySeconds: wholeNumber(
      input,
      "DelaySeconds",
      undefined,
      MAX_DELAY_SECONDS,
      "Delay seconds are too big.",
    ),
    attributes: messageAttributes(input),
  };
}

function sendMessageBatch(call: QueueCall): JsonObject {
  const name = queueName(call);
  const spec = call.queues.specOf(name);
  const sizes = readBatch(call).map((entry) =>
    sizeOf(optionalText(entry, "MessageBody") ?? "", messageAttributes(entry)),
  );
  for (const size of sizes) checkSize(size, spec);
  if (sizes.reduce((sum, size) => sum + size, 0) > MAX_MESSAGE_BYTES) {
    throw new QueueError("AWS.SimpleQueueService.BatchRequestTooLong");
  }
  return batch(call, sendOne);
}

async function receiveMessage(call: QueueCall): Promise<JsonObject> {
  const { queues, input } = call;
  const name = queueName(call);
  const waitSeconds = wholeNumber(
    input,
    "WaitTimeSeconds",
    queues.specOf(name).receiveWaitSeconds,
    MAX_WAIT_SECONDS,
    "WaitTimeSeconds parameter must be less than or equal to 20 seconds.",
  );
  const messages = await queues.receive(
    name,
    {
      max: Math.max(
        1,
        wholeNumber(input, "MaxNumberOfMessages", 1, MAX_BATCH, "At most 10 messages."),
      ),
      waitSeconds,
      visibilityTimeoutSeconds: readVisibility(input),
      by: "client",
    },
    waitSeconds > 0 ? call.gone() : undefined,
  );
  const wanted = texts(
    input,
    input.MessageSystemAttributeNames === undefined
      ? "AttributeNames"
      : "MessageSystemAttributeNames",
  );
  return messages.length === 0
    ? {}
    : { Messages: messages.map((message) => renderMessage(message, wanted)) };
}

function readVisibility(input: JsonObject): number | undefined {
  return wholeNumber(input, "VisibilityTimeout", undefined, MAX_VISIBILITY_SECONDS, TOO_LONG);
}

function renderMessage(message: ReceivedMessage, wanted: readonly string[]): JsonObject {
  const { md5OfAttributes } = message;
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: message.md5,
    Body: message.body,
    Attributes: wanted.length > 0 ? pick(message.systemAttributes, wanted) : undefined,
    MD5OfMessageAttributes: md5OfAttributes,
    MessageAttributes:
      md5OfAttributes === undefined ? undefined : renderAttributes(message.attributes),
  };
}

function pick(
  attributes: Readonly<Record<string, string>>,
  wanted: readonly string[],
): Readonly<Record<string, string>> {
  if (wanted.includes("All")) return attributes;
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => wanted.includes(name)));
}

function renderAttributes(attributes: MessageAttributes): JsonObject {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { dataType, stringValue, binaryValue }]) => [
      name,
      { DataType: dataType, StringValue: stringValue, BinaryValue: binaryValue },
    ]),
  );
}

function deleteMessage(call: QueueCall): JsonObject {
  return deleteEntry(call, queueName(call), call.input);
}

function deleteEntry({ queues }: QueueCall, name: string, input: JsonObject): JsonObject {
  queues.delete(name, optionalText(input, "ReceiptHandle") ?? "");
  return {};
}

function changeMessageVisibility(call: QueueCall): JsonObject {
  return hideEntry(call, queueName(call), call.input);
}

function hideEntry({ queues }: QueueCall, name: string, input: JsonObject): JsonObject {
  const seconds = readVisibility(input);
  if (seconds === undefined) {
    throw new QueueError("MissingParameter", "VisibilityTimeout was not provided.");
  }
  queues.changeVisibility(name, optionalText(input, "ReceiptHandle") ?? "", seconds);
  return {};
}

/** Each entry by itself: those that fail are in `Failed`, and the others are carried out. */
function batch(
  call: QueueCall,
  act: (call: QueueCall, name: string, entry: JsonObject) => JsonObject,
): { readonly Successful: readonly JsonObject[]; readonly Failed?: readonly JsonObject[] } {
  const name = queueName(call);
  call.queues.specOf(name);
  const Successful: JsonObject[] = [];
  const Failed: JsonObject[] = [];
  for (const entry of readBatch(call)) {
    const Id = text(entry, "Id");
    try {
      Successful.push({ Id, ...act(call, name, entry) });
    } catch (error) {
      if (!(error instanceof QueueError) || error.status >= 500) throw error;
      call.failed(error);
      Failed.push({ Id, Code: error.code, Message: error.message, SenderFault: true });
    }
  }
  return Failed.length === 0 ? { Successful } : { Successful, Failed };
}

function readBatch({ input }: QueueCall): readonly JsonObject[] {
  const list = entries(input, "Entries");
  if (list.length === 0) throw new QueueError("AWS.SimpleQueueService.EmptyBatchRequest");
  if (list.length > MAX_BATCH) {
    throw new QueueError("AWS.SimpleQueueService.TooManyEntriesInBatchRequest");
  }
  const ids = list.map((entry) => optionalText(entry, "Id"));
  if (ids.some((id) => !id)) throw new QueueError("MissingParameter", "No id in batch entry.");
  if (new Set(ids).size < ids.length) {
    throw new QueueError("AWS.SimpleQueueService.BatchEntryIdsNotDistinct");
  }
  return list;
}
