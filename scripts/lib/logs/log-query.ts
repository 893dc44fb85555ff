import { UserError } from "../shell/user-error.ts";

/** Levels of Cloud Logging, the lowest first. A line that names none has no level at all. */
export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

/** A level of Cloud Logging. */
export type Level = (typeof LEVELS)[number];

const MAX_FILTER_CHARACTERS = 1000;

/** Which lines are wanted; the service looks for them. */
export interface LogQuery {
  /** In the service's language, up to 1,000 characters. @default - all lines */
  readonly filter?: string;
  /** The lowest level; lines without one are left out then. @default - all lines */
  readonly level?: Level;
  /** Ids of what has written them. @default - whatever writes to the group */
  readonly resources?: readonly string[];
}

/**
 * A condition on a field of a line's JSON.
 *
 * @see https://yandex.cloud/en/docs/logging/concepts/filter
 */
export function equals(field: string, value: string): string {
  return `json_payload.${field} = ${JSON.stringify(value)}`;
}

/** The flags of `yc logging read` for a query. */
export function queryFlags({ filter, level, resources }: LogQuery): string[] {
  if (filter !== undefined && filter.length > MAX_FILTER_CHARACTERS) {
    throw new UserError(
      `The filter has ${filter.length} characters, and the service takes ${MAX_FILTER_CHARACTERS}. Look for something shorter.`,
    );
  }
  const levels = level && LEVELS.slice(LEVELS.indexOf(level)).join(",").toUpperCase();
  return [
    ...(levels ? ["--levels", levels] : []),
    ...(resources ? ["--resource-ids", resources.join(",")] : []),
    ...(filter === undefined ? [] : ["--filter", filter]),
  ];
}
