/** A failure that the user can fix: only the message is shown, and the stack under `DEBUG`. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** Several problems as one message, so that none hides behind another. */
export function joinProblems(title: string, problems: readonly string[]): string {
  if (problems.length === 1) return String(problems[0]);
  return [title, ...problems.map((problem) => `  - ${indent(problem)}`)].join("\n");
}

/** What to show of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function indent(text: string): string {
  return text.replaceAll("\n", "\n    ");
}
