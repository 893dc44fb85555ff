import { formatArguments } from "../../../packages/console/task-text.ts";
import { harmless } from "../../../packages/local-cloud/support/harmless.ts";
import { UserError } from "../shell/user-error.ts";
import type { Letter, Passage } from "./letters.ts";

/** Characters of a letter's arguments that a line shows. */
const MAX_ARGUMENTS = 400;
const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** The id by which a person knows a letter: its task's, or the message's where it is not Celery's. */
export function idOf({ id, task }: Pick<Letter, "id" | "task">): string {
  return harmless(task?.id ?? id);
}

/** The task's name. */
export function nameOf({ task }: Pick<Letter, "task">): string {
  return task ? harmless(task.name) : "not a message of Celery's";
}

/** The arguments in one line, cut where they are long; of another message, its text. */
export function argumentsOf({ task, body }: Pick<Letter, "task" | "body">): string {
  const text = task ? formatArguments(task) : harmless(body);
  const cut = text.length - MAX_ARGUMENTS;
  return cut <= 0
    ? text
    : `${text.slice(0, MAX_ARGUMENTS)} … ${cut} more characters: --json shows them`;
}

/** How long something is ago, in its largest unit: `3 h`. */
export function formatAge(milliseconds: number): string {
  const [unit, size] = UNITS.find(([, each]) => milliseconds >= each) ?? ["s", 1000];
  return `${Math.max(0, Math.floor(milliseconds / size))} ${unit}`;
}

/** `1 dead letter`, `2 dead letters`. */
export function formatCount(count: number): string {
  return `${count} dead letter${count === 1 ? "" : "s"}`;
}

/** What a person has to know of letters that were not looked at; empty where all were. */
export function describeRest(passages: readonly Passage[]): string {
  const sum = (field: keyof Passage) => passages.reduce((total, it) => total + it[field], 0);
  const [elsewhere, beyond] = [sum("elsewhere"), sum("beyond")];
  const lines = [
    ...(elsewhere > 0
      ? [
          `${formatCount(elsewhere)} could not be looked at: somebody else holds them, or a run that was stopped. Run it again in a few minutes.`,
        ]
      : []),
    ...(beyond > 0
      ? [`About ${beyond} more were not looked at. Run it again for the next ones.`]
      : []),
  ];
  return lines.join(" ");
}

/** @throws UserError where letters were not looked at that should have been */
export function refuseRest(passages: readonly Passage[]): void {
  const rest = describeRest(passages);
  if (rest) throw new UserError(rest);
}
