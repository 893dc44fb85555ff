import { isObject, type JsonObject } from "./_json.ts";
import type { TaskError } from "./task-record.ts";

/** What Celery has stored of a task. */
export interface StoredResult {
  /** SUCCESS, FAILURE, RETRY, STARTED, REVOKED or a project's own. */
  readonly state: string;
  readonly result?: unknown;
  readonly traceback?: string;
}

/** The exception of a stored failure or retry: `{ exc_type, exc_message, exc_module }`. */
export function errorOf({ state, result, traceback }: StoredResult): TaskError | undefined {
  if (state !== "FAILURE" && state !== "RETRY") return undefined;
  const { exc_type: type, exc_message: text }: JsonObject = isObject(result) ? result : {};
  const said = typeof type === "string" ? text : result;
  return {
    type: typeof type === "string" ? type : "Error",
    message: (Array.isArray(said) ? said : [said ?? ""]).map(String).join(", "),
    traceback,
  };
}
