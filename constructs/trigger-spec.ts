import * as v from "valibot";

/** Of both kinds of triggers. */
const target = {
  containerId: v.string(),
  /** Begins with a slash. */
  path: v.string(),
  /** The account that calls the container. */
  invokerId: v.string(),
  folderId: v.string(),
  /** What creates the trigger: `npm run trigger`, or Terraform. */
  trigger: v.optional(v.picklist(["yc", "terraform"]), "yc"),
};

const queueSchema = v.object({
  kind: v.literal("queue"),
  queueArn: v.string(),
  /** The account that reads the queue. */
  readerId: v.string(),
  /** Messages in one request, 1 to 10. */
  batchSize: v.number(),
  /** How long messages are gathered, 1 to 20. */
  batchCutoffSeconds: v.optional(v.number(), 1),
  ...target,
});

const timerSchema = v.object({
  kind: v.literal("timer"),
  /** In Yandex Cloud's dialect, in UTC. */
  cron: v.string(),
  /** Up to 4,096 characters; Terraform leaves out what is empty. */
  payload: v.nullish(v.string(), ""),
  ...target,
});

/** What creates a trigger: the script (`yc`, or the API in a pipeline), or Terraform. */
export type TriggerMaker = TriggerSpec["trigger"];

/** A queue's trigger, as output `triggers` has it. */
export type QueueTriggerSpec = v.InferOutput<typeof queueSchema>;

/** A timer, as output `triggers` has it. */
export type TimerTriggerSpec = v.InferOutput<typeof timerSchema>;

/** A trigger, as output `triggers` has it. */
export type TriggerSpec = QueueTriggerSpec | TimerTriggerSpec;

/** Every trigger of a stack by its name, whatever creates it. Names are unique in a folder. */
export type TriggerSpecs = Readonly<Record<string, TriggerSpec>>;

/** The shape of output `triggers`: constructs write it, the scripts and the local cloud read it. */
export const triggersSchema = v.record(v.string(), v.variant("kind", [queueSchema, timerSchema]));
