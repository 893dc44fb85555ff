/** What the Document API answers instead of a result. */
export class ApiError extends Error {
  readonly status: number;
  /** The answer's body: `__type`, `message`, and what else belongs to the error. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(String(body.message ?? body.Message ?? body.__type));
    this.status = status;
    this.body = body;
  }

  /** The error's name without its namespace: `ValidationException`. */
  get code(): string {
    return String(this.body.__type).split("#").at(-1) ?? "";
  }
}

/** A refusal of a request that was understood. */
export function refusal(code: string, message: string, details: object = {}): ApiError {
  const __type = `com.amazonaws.dynamodb.v20120810#${code}`;
  return new ApiError(400, { __type, message, ...details });
}

export function invalid(message: string): ApiError {
  return refusal("ValidationException", message);
}
