import type { JsonObject } from "../support/json.ts";

/** What the Document API answers instead of a result. */
export class DocumentApiError extends Error {
  readonly status: number;
  /** The answer's body: `__type`, `message`, and what else belongs to the error. */
  readonly body: JsonObject;

  constructor(status: number, body: JsonObject) {
    super(String(body.message ?? body.Message ?? body.__type));
    this.status = status;
    this.body = body;
  }

  /** The error's name without its namespace: `ValidationException`. */
  get code(): string {
    return String(this.body.__type).split("#").at(-1) ?? "";
  }
}

/** An error of a request that was understood. */
export function rejection(code: string, message: string): DocumentApiError {
  const __type = `com.amazonaws.dynamodb.v20120810#${code}`;
  return new DocumentApiError(400, { __type, message });
}

/** An error of a request with something wrong in it. */
export function invalid(message: string): DocumentApiError {
  return rejection("ValidationException", message);
}
