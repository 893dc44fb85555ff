import * as v from "valibot";
import { withoutLocalValues } from "../stack/local-environment.ts";
import type { ProcessCommand } from "../support/owned-process.ts";
import { runProgram } from "../support/run-program.ts";

const schema = v.pipe(
  v.string(),
  v.startsWith('{"id": "push_worker.'),
  v.parseJson(),
  v.object({ id: v.string(), text: v.string(), hint: v.string() }),
);

/**
 * A message of Django's system checks: something in a project's settings that the cloud cannot keep.
 * `id` is `push_worker.W001` and so on; the project may silence it.
 */
export type SystemCheck = Readonly<v.InferOutput<typeof schema>>;

const CHECK = ["-m", "celery_push_worker", "check", "--json"];

/**
 * Runs the worker package's checks in the project's own Python, with what it would have in the cloud.
 * Without Django there is nothing to find; `undefined` when the project does not load.
 *
 * @param timers names of the stack's timers
 */
export async function runSystemChecks(
  { cwd, env }: Pick<ProcessCommand, "cwd" | "env">,
  timers: readonly string[],
  signal: AbortSignal,
): Promise<readonly SystemCheck[] | undefined> {
  const asked = { ...withoutLocalValues(env), PUSH_WORKER_TIMERS: timers.join(",") };
  const { code, lines } = await runProgram("python3", CHECK, { cwd, env: asked, signal });
  if (code !== 0) return undefined;
  return lines.flatMap((line) => {
    // The project may print lines of its own.
    const result = v.safeParse(schema, line);
    return result.success ? [result.output] : [];
  });
}
