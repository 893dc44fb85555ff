import { parseObject } from "../../../packages/local-cloud/support/json.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { ycOutput } from "./access.ts";

/**
 * Whoever the commands are to the cloud, as a subject of access bindings: `userAccount:<id>`. A key in
 * YC_SERVICE_ACCOUNT_KEY_FILE is Terraform's alone; what calls a container is the login of `yc` then.
 *
 * @throws UserError when YC_TOKEN does not tell whose it is
 */
export async function findCaller(system: System): Promise<string> {
  const { TF_VAR_caller: given, YC_TOKEN: token, YC_SERVICE_ACCOUNT_ID: account } = system.env;
  if (given) return given;
  if (!token) return describeSubject(await ycOutput(system, WHOAMI));
  if (account) return `serviceAccount:${account}`;
  throw new UserError(
    "YC_TOKEN does not tell whose it is. Set YC_SERVICE_ACCOUNT_ID to the account's id, or TF_VAR_caller to userAccount:<id>.",
  );
}

const WHOAMI = ["iam", "whoami", "--format", "json"];

// The shape of the answer is not documented, apart from its id. Of the accounts that the API knows
// only a service account lies in a folder, and only a federated user has a federation.
function describeSubject(answer: string): string {
  const { id, ...account } = parseObject(answer) ?? {};
  if (typeof id !== "string") {
    throw new UserError(
      "`yc iam whoami` names nobody. Set TF_VAR_caller to userAccount:<id>, your id in Yandex Cloud.",
    );
  }
  // Not in what a person has chosen, such as a login.
  const kind = [...Object.keys(account), account.type].join(" ");
  if (/folder_id|service_?account/i.test(kind)) return `serviceAccount:${id}`;
  return /federat|saml/i.test(kind) ? `federatedUser:${id}` : `userAccount:${id}`;
}
