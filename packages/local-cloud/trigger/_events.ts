import type { ReceivedMessage } from "../queue/queues.ts";
import { CLOUD_ID, FOLDER_ID, resourceId } from "../stack/local-ids.ts";

/** What the trigger of a queue POSTs. */
export function renderQueueEvent(
  queueArn: string,
  messages: readonly ReceivedMessage[],
  now: number,
): string {
  return JSON.stringify({
    messages: messages.map((message) => ({
      event_metadata: {
        event_id: message.messageId,
        event_type: "yandex.cloud.events.messagequeue.QueueMessage",
        ...renderOrigin(now),
      },
      details: { queue_id: queueArn, message: renderMessage(message) },
    })),
  });
}

/** What a timer POSTs. `eventId` is the same when it tries again. */
export function renderTimerEvent(
  timer: string,
  payload: string,
  eventId: string,
  now: number,
): string {
  const event = {
    event_metadata: {
      event_id: eventId,
      event_type: "yandex.cloud.events.serverless.triggers.TimerMessage",
      ...renderOrigin(now),
    },
    details: { trigger_id: resourceId("a1s", timer), payload },
  };
  return JSON.stringify({ messages: [event] });
}

function renderOrigin(now: number) {
  return {
    created_at: new Date(now).toISOString().replace("Z", "000Z"),
    cloud_id: CLOUD_ID,
    folder_id: FOLDER_ID,
  };
}

// No receipt handle and no count of receives, as the documents have it.
function renderMessage({ messageId, md5, body, sentAt, ...message }: ReceivedMessage) {
  return {
    message_id: messageId,
    md5_of_body: md5,
    body,
    attributes: { SentTimestamp: String(sentAt) },
    message_attributes: Object.fromEntries(
      Object.entries(message.attributes).map(([name, value]) => [name, renderAttribute(value)]),
    ),
    md5_of_message_attributes: message.md5OfAttributes ?? "",
  };
}

type Attribute = ReceivedMessage["attributes"][string];

function renderAttribute({ stringValue, binaryValue }: Attribute) {
  return binaryValue === undefined
    ? { data_type: "StringValue", string_value: stringValue }
    : { data_type: "BinaryValue", binary_value: binaryValue };
}
