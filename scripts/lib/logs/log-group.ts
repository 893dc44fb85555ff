import type { Session } from "../cloud/session.ts";
import { UserError } from "../shell/user-error.ts";

/**
 * Id of the stage's one log group, from the state of stack `app`, which was initialized.
 *
 * @throws UserError when the stage has none
 */
export async function findLogGroup({ terraform }: Pick<Session, "terraform">): Promise<string> {
  const resources = await terraform.state("app");
  const group = resources.find(({ type }) => type === "yandex_logging_group");
  const id = group?.attributes.id;
  if (typeof id === "string" && id !== "") return id;
  throw new UserError("This stage has no log group. Run `npm run deploy` first.");
}
