import { expect, test } from "vitest";
import { findCaller } from "../../../scripts/lib/cloud/caller.ts";
import { NOT_FOUND } from "../../../scripts/lib/shell/system.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { fakeSystem } from "../_system.ts";

const WHOAMI = "yc iam whoami --format json --no-browser";
const withAnswer = (answer: unknown, env = {}) =>
  fakeSystem({ env, commands: { [WHOAMI]: JSON.stringify(answer) } });

test.each([
  ["the variable of Terraform", { TF_VAR_caller: "userAccount:aje1", YC_TOKEN: "t1.x" }],
  ["the account of a pipeline's token", { YC_TOKEN: "t1.x", YC_SERVICE_ACCOUNT_ID: "aje2" }],
])("takes %s, and asks nobody", async (_, env) => {
  const system = fakeSystem({ env });

  expect(await findCaller(system)).toBe(
    "TF_VAR_caller" in env ? "userAccount:aje1" : "serviceAccount:aje2",
  );
  expect(system.ran).toEqual([]);
});

test.each([
  ["a user", { id: "aje1", yandex_passport_user_account: { login: "ann" } }, "userAccount:aje1"],
  ["a user of any name", { id: "aje1", login: "service_account.saml" }, "userAccount:aje1"],
  ["one of whom nothing else is said", { id: "aje1" }, "userAccount:aje1"],
  ["a federated user", { id: "aje1", saml_user_account: { name_id: "a" } }, "federatedUser:aje1"],
  ["the same in other words", { id: "aje1", federation: { id: "bpf" } }, "federatedUser:aje1"],
  ["a service account", { id: "aje1", folder_id: "b1g", name: "ci" }, "serviceAccount:aje1"],
  ["the same in other words", { id: "aje1", type: "SERVICE_ACCOUNT" }, "serviceAccount:aje1"],
])("%s is told by yc", async (_, answer, subject) => {
  expect(await findCaller(withAnswer(answer))).toBe(subject);
});

test("is the login of yc also beside a key, with which no command calls a container", async () => {
  const system = withAnswer({ id: "aje1" }, { YC_SERVICE_ACCOUNT_KEY_FILE: "/key.json" });

  expect(await findCaller(system)).toBe("userAccount:aje1");
});

test.each([{}, { id: 7 }, "aje1"])("an answer without an id (%j) is told", async (answer) => {
  await expect(findCaller(withAnswer(answer))).rejects.toThrow(
    new UserError(
      "`yc iam whoami` names nobody. Set TF_VAR_caller to userAccount:<id>, your id in Yandex Cloud.",
    ),
  );
});

test("a token that nobody says the account of is told", async () => {
  await expect(findCaller(fakeSystem({ env: { YC_TOKEN: "t1.x" } }))).rejects.toThrow(
    new UserError(
      "YC_TOKEN does not tell whose it is. Set YC_SERVICE_ACCOUNT_ID to the account's id, or TF_VAR_caller to userAccount:<id>.",
    ),
  );
});

test("a yc that is too old to know is told with what it said", async () => {
  const stderr = 'ERROR: unknown command "whoami" for "yc iam"\n';
  const old = fakeSystem({ commands: { [WHOAMI]: { exitCode: 1, stderr } } });
  const none = fakeSystem({ commands: { [WHOAMI]: { exitCode: NOT_FOUND } } });

  await expect(findCaller(old)).rejects.toThrow('unknown command "whoami" for "yc iam"');
  await expect(findCaller(none)).rejects.toThrow("`yc` is not installed.");
});
