import { expect, test } from "vitest";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { checkMigrations } from "../../../scripts/lib/verify/migrations.ts";
import { ACCESS, type Answer, bodyOf, fakeSystem } from "../_system.ts";

const MANAGE = { url: "https://bba1.containers.yandexcloud.net/", caller: "userAccount:aje1" };
const check = async (answer: Answer) => {
  const system = fakeSystem({ routes: { [`POST ${MANAGE.url}`]: answer } });
  const found = await checkMigrations({ system, access: ACCESS }, MANAGE);
  return { found, system };
};
const ended = (code: string, body: string): Answer => ({
  ...{ headers: { "X-Task-Exit-Code": code }, body },
});

test("asks Django in the cloud, which changes nothing for that", async () => {
  const { found, system } = await check(ended("0", "Planned operations:\n"));

  expect(bodyOf(system.sent[0]?.init)).toEqual({ manage: ["migrate", "--check", "--plan"] });
  expect(found).toEqual({ check: "migrations", ok: true, found: "none is missing" });
});

test("names those that are missing", async () => {
  const plan =
    "Planned operations:\nshop.0002_orders\n    Create model Order\nauth.0001_initial\n    Create model User\n";

  expect((await check(ended("1", plan))).found).toEqual({
    ...{ check: "migrations", ok: false, found: "missing: shop.0002_orders, auth.0001_initial" },
    fix: "Run `npm run manage -- migrate --noinput`.",
  });
});

test("passes on why Django cannot tell", async () => {
  const traceback = "Traceback (most recent call last):\nOperationalError: no such host\n";

  expect((await check(ended("1", traceback))).found).toEqual({
    ...{ check: "migrations", ok: false, found: "OperationalError: no such host" },
  });
});

test("says who may ask, to whoever may not", async () => {
  expect((await check({ status: 403 })).found).toEqual({
    ...{ check: "migrations", ok: true },
    found: "not looked at: only userAccount:aje1 may run commands",
  });
});

test("any other failure is one", async () => {
  await expect(check({ status: 502, body: "no" })).rejects.toThrow(
    new UserError("The container answered 502: no"),
  );
});
