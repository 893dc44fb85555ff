const DEFAULTS = {
  AccessDeniedException: "You do not have sufficient access to perform this action.",
  InvalidArgumentException: "The request has a field that is not known.",
  InvalidParameterCombination: "Parameters that must not be used together were used together.",
  InvalidParameterValue: "An invalid or out-of-range value was supplied for the input parameter.",
  InvalidAttributeName: "The specified attribute doesn't exist.",
  InvalidAttributeValue: "The specified attribute value is invalid.",
  MissingAction: "The request is missing an action or a required parameter.",
  MissingParameter: "A required parameter for the specified action is not supplied.",
  ReceiptHandleIsInvalid: "The specified receipt handle isn't valid.",
  ValidationError: "The input fails to satisfy the constraints specified by an AWS service.",
  OverLimit: "The specified action violates a limit.",
  InternalFailure:
    "The request processing has failed because of an unknown error, exception or failure.",
  "AWS.SimpleQueueService.BatchEntryIdsNotDistinct":
    "Two or more batch entries in the request have the same Id.",
  "AWS.SimpleQueueService.BatchRequestTooLong":
    "The length of all the messages put together is more than the limit.",
  "AWS.SimpleQueueService.EmptyBatchRequest": "The batch request doesn't contain any entries.",
  "AWS.SimpleQueueService.MessageNotInflight": "The specified message isn't in flight.",
  "AWS.SimpleQueueService.NonExistentQueue": "The specified queue doesn't exist.",
  "AWS.SimpleQueueService.QueueDeletedRecently":
    "You must wait some time after deleting a queue before you can create another queue with the same name.",
  "AWS.SimpleQueueService.TooManyEntriesInBatchRequest":
    "The batch request contains more entries than permissible.",
  "AWS.SimpleQueueService.UnsupportedOperation": "Unsupported operation.",
};

/** An error's code, the same in both protocols. */
export type QueueErrorCode = keyof typeof DEFAULTS;

const STATUSES: Partial<Record<QueueErrorCode, number>> = { InternalFailure: 500, OverLimit: 403 };

/** An error with the cloud's code, HTTP status and words, and the fix after them. */
export class QueueError extends Error {
  override readonly name = "QueueError";
  readonly code: QueueErrorCode;
  /** The HTTP status of a request that fails as a whole. */
  readonly status: number;
  /** The fix, where the project's configuration has one. */
  readonly fix?: string;

  constructor(code: QueueErrorCode, message?: string, fix?: string) {
    super(`${message ?? DEFAULTS[code]}${fix === undefined ? "" : ` ${fix}.`}`);
    this.code = code;
    this.status = STATUSES[code] ?? 400;
    if (fix !== undefined) this.fix = fix;
  }
}
