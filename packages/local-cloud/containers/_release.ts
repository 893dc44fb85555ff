import type { ReleaseSpec } from "../stack/blueprint.ts";
import type { ProcessCommand } from "../support/owned-process.ts";
import { runProgram } from "../support/run-program.ts";

/**
 * Runs the command that comes before the containers. Only of one that fails its output is told.
 *
 * @throws Error with its output, when it fails
 */
export async function runRelease(
  { words, field }: Pick<ReleaseSpec, "words" | "field">,
  { program, args, cwd, env }: ProcessCommand,
  signal: AbortSignal,
): Promise<void> {
  const { code, lines } = await runProgram(program, [...args, ...words], { cwd, env, signal });
  signal.throwIfAborted();
  if (code === 0) return;
  const sentence = `\`manage.py ${words.join(" ")}\` failed (exit code ${code}). The containers stay as they were. Fix it, or change '${field}' in config.ts.`;
  throw new Error([...lines, sentence].join("\n"));
}
