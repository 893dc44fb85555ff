import { describe, expect, test } from "vitest";
import {
  inManage,
  refuseOutdated,
  runCommand,
  siteContext,
} from "../../../scripts/lib/local/command.ts";
import { UsageError } from "../../../scripts/lib/shell/command-line.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { fakeSystem } from "../_system.ts";

const FLAGS = { stage: undefined, python: undefined };

test("run without a command says how to write one", async () => {
  await expect(runCommand(fakeSystem(), FLAGS, [])).rejects.toThrow(
    new UsageError("No command is given. Write e.g. `npm run local -- run pytest`."),
  );
});

test("manage puts the words where the container of commands has them", () => {
  expect(inManage(["migrate", "--fake"])).toEqual([
    ...["python3", "-m", "celery_push_worker", "manage", "migrate", "--fake"],
  ]);
  expect(() => inManage([])).toThrow(
    new UsageError("No command is given. Write e.g. `npm run local -- manage migrate`."),
  );
});

test("a stack without sources has no place for a command", async () => {
  await expect(siteContext(fakeSystem(), { ...FLAGS, containers: [] })).rejects.toThrow(
    new UserError("The stack has no container with sources."),
  );
});

describe("a local cloud that was started with another config.ts", () => {
  const site = "http://localhost:8000";
  const plain = { site, queue: "http://localhost:9324", tables: "http://localhost:8001" };
  const postgres = "127.0.0.1:5432";
  const storage = "http://localhost:9000";
  const check = (usual: object, addresses: object, secrets = {}) =>
    refuseOutdated(usual, { site, addresses: { ...plain, ...addresses } }, secrets);

  test.each([
    [{ postgres }, {}, "'postgres'"],
    [{ storage }, { postgres }, "'media'"],
    [{ postgres, storage }, {}, "'postgres' and 'media'"],
  ])("lacks what %j needs beside %j", (usual, addresses, missing) => {
    expect(() => check(usual, addresses)).toThrow(
      new UserError(
        `The local cloud at ${site} was started before config.ts had ${missing}. Stop it, and start \`npm run local\` again.`,
      ),
    );
  });

  test("is used where it has it all, or the database is the user's own", () => {
    check({}, {});
    check({ postgres, storage }, { postgres: "127.0.0.1:6432", storage });
    check({}, { postgres, storage });
    check({ postgres }, {}, { DATABASE_URL: "postgresql://elsewhere/shop" });
  });
});
