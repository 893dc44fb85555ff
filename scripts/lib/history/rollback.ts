import type { Settings } from "../../../stacks/settings.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { type Deployment, formatDeployment, short } from "./history.ts";

/**
 * What a stage is to go back to: the image that a person names by its digest, a beginning of it or a
 * commit, else the one that ran before the one that runs now.
 *
 * @param history the newest first
 * @throws UserError if there is none, or the registry has it no longer
 */
export function chooseImage(history: readonly Deployment[], named: string | undefined): Deployment {
  const target = named === undefined ? previous(history) : find(history, named);
  if (target.kept) return target;
  throw new UserError(
    `The registry no longer has ${short(target.digest)}. 'keepNewest' in config.ts says how many images it keeps.`,
  );
}

/** What a rollback does, and what it leaves as it is. */
export function describeRollback(target: Deployment, { release }: Settings): string[] {
  return [
    `Back to ${formatDeployment(target)}`,
    ...(release
      ? [
          `The database stays as it is: no migration is undone, and this image's code meets today's tables. \`manage.py ${release.join(" ")}\` runs with it.`,
        ]
      : []),
    "config.ts counts as it is now: memory, variables and the like are not rolled back.",
  ];
}

/** Asks whether to go back to an image that nobody has named. */
export async function confirmRollback(system: System, { digest }: Deployment): Promise<void> {
  if (!system.interactive) {
    throw new UserError(
      `No terminal to ask for confirmation. Name the image, \`npm run rollback -- ${short(digest)}\`, or add --yes.`,
    );
  }
  const answer = await system.ask("Type yes to go on: ");
  if (answer.trim() !== "yes") throw new UserError("Nothing was changed.");
}

// Older by its first run: what was left for an earlier one is not gone back to unasked.
function previous(history: readonly Deployment[]): Deployment {
  // A release that fails leaves the new image in the commands' container alone.
  const serves = ({ runs }: Deployment) => runs.some((role) => role !== "manage");
  const running = new Set(history.filter(serves).map(({ digest }) => digest));
  if (running.size > 1) {
    const digests = [...running].map(short).join(" and ");
    throw new UserError(
      `Containers run different images (${digests}), as after a deploy that was interrupted. Name the one to run: \`npm run rollback -- ${short([...running][0] ?? "")}\`.`,
    );
  }
  const digests = [...new Set(history.map(({ digest }) => digest).reverse())];
  const before = digests[digests.findIndex((digest) => running.has(digest)) - 1];
  const target = history.find(({ digest }) => digest === before);
  if (target) return target;
  throw new UserError("Nothing ran before the image that runs now.");
}

function find(history: readonly Deployment[], named: string): Deployment {
  const wanted = named.slice(named.indexOf("@") + 1).toLowerCase();
  const found = history.filter(
    ({ digest, commit }) =>
      digest.startsWith(wanted) ||
      digest.startsWith(`sha256:${wanted}`) ||
      commit?.startsWith(wanted),
  );
  const digests = [...new Set(found.map(({ digest }) => digest))];
  if (digests.length === 1 && found[0]) return found[0];
  throw new UserError(
    digests.length === 0
      ? `"${named}" names no image that has run in this stage. \`npm run history\` lists them.`
      : `"${named}" names several images: ${digests.map(short).join(", ")}. Write more of it.`,
  );
}
