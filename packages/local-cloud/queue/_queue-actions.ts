import type { JsonObject } from "../support/json.ts";
import { action, type QueueAction, type QueueCall, queueName } from "./_action.ts";
import { optionalText, text, textMap, texts } from "./_input.ts";
import { QueueError } from "./errors.ts";
import {
  areSame,
  changeSettings,
  checkName,
  checkTags,
  defaultSettings,
  describeSettings,
} from "./settings.ts";

const RUNTIME = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesDelayed",
  "ApproximateNumberOfMessagesNotVisible",
  "CreatedTimestamp",
  "QueueArn",
];
const SETTINGS = [
  "DelaySeconds",
  "MaximumMessageSize",
  "MessageRetentionPeriod",
  "ReceiveMessageWaitTimeSeconds",
  "RedrivePolicy",
  "VisibilityTimeout",
  "FifoQueue",
  "ContentBasedDeduplication",
];
const KNOWN: ReadonlySet<string> = new Set([...RUNTIME, ...SETTINGS, "All"]);

/** The actions on queues. */
export const queueActions: Readonly<Record<string, QueueAction>> = {
  CreateQueue: action(["QueueName", "Attributes", "tags", "Tags"], createQueue),
  DeleteQueue: action(["QueueUrl"], deleteQueue),
  GetQueueAttributes: action(["QueueUrl", "AttributeNames"], getQueueAttributes),
  GetQueueUrl: action(["QueueName", "QueueOwnerAWSAccountId"], getQueueUrl),
  ListDeadLetterSourceQueues: action(["QueueUrl", "MaxResults", "NextToken"], listSources),
  ListQueues: action(["QueueNamePrefix", "MaxResults", "NextToken"], listQueues),
  ListQueueTags: action(["QueueUrl"], listQueueTags),
  PurgeQueue: action(["QueueUrl"], purgeQueue),
  SetQueueAttributes: action(["QueueUrl", "Attributes"], setQueueAttributes),
  TagQueue: action(["QueueUrl", "Tags"], tagQueue),
  UntagQueue: action(["QueueUrl", "TagKeys"], untagQueue),
};

function createQueue({ queues, input, address }: QueueCall): JsonObject {
  const name = text(input, "QueueName");
  const attributes = textMap(input, "Attributes");
  const tags = textMap(input, input.tags === undefined ? "Tags" : "tags");
  checkName(name, attributes.FifoQueue);
  checkTags(tags);
  const spec = {
    ...failAsInvalid(() => changeSettings(defaultSettings(name), attributes)),
    tags,
  };
  if (spec.redrive && !queues.has(spec.redrive.deadLetterQueue)) {
    throw new QueueError("ValidationError", "Cannot create queue: Target DLQ does not exist");
  }
  if (!queues.has(name)) queues.createNew(spec);
  else if (!areSame(queues.specOf(name), spec)) {
    throw new QueueError(
      "ValidationError",
      `Cannot create queue: ${name} exists already and has other attributes or tags.`,
    );
  }
  return { QueueUrl: queues.urlOf(name, address) };
}

/** CreateQueue fails with one code, whatever is wrong with the settings. */
function failAsInvalid<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    throw new QueueError("ValidationError", `Cannot create queue: ${error.message}`);
  }
}

function deleteQueue(call: QueueCall): JsonObject {
  call.queues.remove(queueName(call));
  return {};
}

function getQueueUrl({ queues, input, address }: QueueCall): JsonObject {
  return { QueueUrl: queues.urlOf(text(input, "QueueName"), address) };
}

function listQueues({ queues, input, address }: QueueCall): JsonObject {
  const prefix = optionalText(input, "QueueNamePrefix") ?? "";
  const names = queues.names.filter((name) => name.startsWith(prefix));
  return names.length === 0 ? {} : { QueueUrls: names.map((name) => queues.urlOf(name, address)) };
}

function listSources(call: QueueCall): JsonObject {
  const { queues, address } = call;
  return {
    queueUrls: queues.sourcesOf(queueName(call)).map((name) => queues.urlOf(name, address)),
  };
}

function getQueueAttributes(call: QueueCall): JsonObject {
  const name = queueName(call);
  const wanted = texts(call.input, "AttributeNames");
  const unknown = wanted.find((attribute) => !KNOWN.has(attribute));
  if (unknown !== undefined) {
    throw new QueueError("InvalidAttributeName", `Unknown Attribute ${unknown}.`);
  }
  const all = allAttributes(call, name);
  const names = wanted.includes("All") ? Object.keys(all) : wanted;
  const found = names.flatMap((attribute) =>
    all[attribute] === undefined ? [] : [[attribute, all[attribute]] as const],
  );
  return found.length === 0 ? {} : { Attributes: Object.fromEntries(found) };
}

function allAttributes({ queues }: QueueCall, name: string): Readonly<Record<string, string>> {
  const { waiting, inFlight, delayed } = queues.counts(name);
  return {
    ...describeSettings(queues.specOf(name)),
    ApproximateNumberOfMessages: String(waiting),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    CreatedTimestamp: String(Math.floor(queues.createdAt(name) / 1000)),
    QueueArn: queues.arnOf(name),
  };
}

function setQueueAttributes(call: QueueCall): JsonObject {
  const { queues, input } = call;
  const name = queueName(call);
  const spec = changeSettings(queues.specOf(name), textMap(input, "Attributes"));
  if (spec.redrive && !queues.has(spec.redrive.deadLetterQueue)) {
    throw new QueueError("AWS.SimpleQueueService.NonExistentQueue", "Target DLQ does not exist.");
  }
  queues.create(spec);
  return {};
}

function purgeQueue(call: QueueCall): JsonObject {
  call.queues.purge(queueName(call));
  return {};
}

function listQueueTags(call: QueueCall): JsonObject {
  return { Tags: call.queues.specOf(queueName(call)).tags };
}

function tagQueue(call: QueueCall): JsonObject {
  const spec = call.queues.specOf(queueName(call));
  const tags = { ...spec.tags, ...textMap(call.input, "Tags") };
  checkTags(tags);
  call.queues.create({ ...spec, tags });
  return {};
}

function untagQueue(call: QueueCall): JsonObject {
  const spec = call.queues.specOf(queueName(call));
  const gone = new Set(texts(call.input, "TagKeys"));
  const left = Object.entries(spec.tags).filter(([key]) => !gone.has(key));
  call.queues.create({ ...spec, tags: Object.fromEntries(left) });
  return {};
}
