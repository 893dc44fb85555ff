import { describe, expect, test } from "vitest";
import { findApplied, findErrors } from "../../../scripts/lib/terraform/messages.ts";

describe("what terraform prints", () => {
  test.each([
    ["Apply complete! Resources: 0 added, 0 changed, 0 destroyed.", "no change"],
    [
      "Apply complete! Resources: 2 added, 1 changed, 0 destroyed.",
      "2 added, 1 changed, 0 destroyed",
    ],
    [
      "Apply complete! Resources: 3 imported, 2 added, 0 changed, 0 destroyed.",
      "2 added, 0 changed, 0 destroyed",
    ],
    ["", "applied"],
  ])("what %j has done", (output, words) => {
    expect(findApplied(output)).toBe(words);
  });

  test("the cloud's reason before the error that follows from it", () => {
    const output = [
      "yandex_x.Web: Modifying...",
      "",
      "Warning: Argument is deprecated",
      "",
      "  with yandex_x.Web,",
      "",
      "Warning: Failed to deploy a revision of container web: code = NotFound",
      "",
      "  with yandex_x.Web,",
      "  on cdk.tf.json line 651, in resource.yandex_x.Web:",
      " 651:       },",
      "",
      "",
      "Error: Resource postcondition failed",
      "",
      "The new revision did not start.",
    ];

    expect(findErrors(`${output.join("\n")}\n`)).toBe(
      [...output.slice(6, 11), "", ...output.slice(13)].join("\n"),
    );
  });

  test("errors that differ in nothing but their place once", () => {
    const error = (place: string, text: string) =>
      `Error: Plugin did not respond\n\n  with ${place},\n  on cdk.tf.json line 5, in x:\n   5:\n\n${text}\n`;
    const output = [error("a.B", "It failed."), error("c.D", "It failed."), error("e.F", "Else.")];

    expect(findErrors(output.join("\n"))).toBe(
      `${error("a.B", "It failed.")}(the same 2 times)\n\n${error("e.F", "Else.").trimEnd()}`,
    );
  });

  test("of a command that failed what it printed, as it printed it", () => {
    const long = `Traceback: ${"x".repeat(100)}`;
    const error = (where: string) =>
      `Error: local-exec provisioner error\n\n  with ${where},\n  on cdk.tf.json line 5, in x:\n\nError running command 'x': exit\nstatus 1. Output: wrapped`;
    const output = [
      'terraform_data.R (local-exec): Executing: ["sh" "-c" "x"]',
      `terraform_data.R (local-exec): ${long}`,
      "terraform_data.S (local-exec): of another",
      "terraform_data.R (local-exec): Warning: the last",
      "",
      error("terraform_data.R"),
    ];

    expect(findErrors(output.join("\n"))).toBe(`${long}\nWarning: the last`);
    // A command that says nothing, or must not be shown.
    expect(findErrors(error("terraform_data.R"))).toBe(error("terraform_data.R"));
  });

  test("the last lines when no error is marked", () => {
    expect(findErrors("one\ntwo\n")).toBe("one\ntwo");
  });
});
