import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";

/**
 * Writes the Terraform of all stacks of a stage, as `cdktf` does by `cdktf.json`. A process of its
 * own: `config.ts` is the user's code, may have changed since, and the framework blocks for a second.
 *
 * @throws UserError with what main.ts says
 */
export async function synthesize(
  system: Pick<System, "run" | "env">,
  stage: string | undefined,
): Promise<void> {
  const { exitCode, stdout, stderr } = await system.run(process.execPath, ["run.mjs", "main.ts"], {
    // Which may read whatever it likes.
    env: { ...system.env, STAGE: stage },
  });
  if (exitCode !== 0) throw new UserError(stderr.trim() || stdout.trim());
}
