import { expect, test } from "vitest";
import { runCommand, siteContext } from "../../../scripts/lib/local/command.ts";
import { UsageError } from "../../../scripts/lib/shell/command-line.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { fakeSystem } from "../_system.ts";

const FLAGS = { stage: undefined, python: undefined };

test("run without a command says how to write one", async () => {
  await expect(runCommand(fakeSystem(), FLAGS, [])).rejects.toThrow(
    new UsageError(
      "No command is given. Write e.g. `npm run local -- run python manage.py migrate`.",
    ),
  );
});

test("a stack without sources has no place for a command", async () => {
  await expect(siteContext(fakeSystem(), { ...FLAGS, containers: [] })).rejects.toThrow(
    new UserError("The stack has no container with sources."),
  );
});
