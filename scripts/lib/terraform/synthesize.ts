import { UserError } from "../shell/user-error.ts";
import type { World } from "../shell/world.ts";

/**
 * Writes the Terraform of all stacks of a stage, as `cdktf` does by `cdktf.json`. A process of its
 * own: `config.ts` is the user's code, may have changed since, and the framework blocks for a second.
 *
 * @throws UserError with what main.ts says
 */
export async function synthesize(
  world: Pick<World, "run" | "env">,
  stage: string | undefined,
): Promise<void> {
  const { exitCode, stdout, stderr } = await world.run(process.execPath, ["run.mjs", "main.ts"], {
    // Which may read whatever it likes.
    env: { ...world.env, STAGE: stage },
  });
  if (exitCode !== 0) throw new UserError(stderr.trim() || stdout.trim());
}
