import { describe, expect, test } from "vitest";
import { formatHelp, parseCommandLine, STAGE, UsageError } from "../../scripts/lib/command-line.ts";

const command = {
  name: "fly",
  summary: "Flies.",
  flags: {
    stage: STAGE,
    high: { type: "boolean", help: "fly high" },
    to: { type: "string", value: "place", help: "where to" },
  },
} as const;

describe("parseCommandLine", () => {
  test("gives every flag a value", () => {
    expect(parseCommandLine(command, ["--high", "--to", "sea"], {})).toEqual({
      flags: { stage: undefined, high: true, to: "sea" },
    });
  });

  test.each([
    [[], {}, undefined],
    [[], { STAGE: "production" }, "production"],
    [[], { STAGE: "" }, undefined],
    [["--stage", "test"], { STAGE: "production" }, "test"],
    [["--stage=test"], {}, "test"],
    [["--", "--stage", "test"], {}, "test"],
  ])("takes the stage of %j with %j", (argv, env, stage) => {
    expect(parseCommandLine(command, argv, env)).toMatchObject({ flags: { stage } });
  });

  test.each([[["--help"]], [["-h"]], [["--nonsense", "--help"]]])(
    "shows the help for %j",
    (argv) => {
      expect(parseCommandLine(command, argv, {})).toEqual({ help: formatHelp(command) });
    },
  );

  test.each([
    ["an unknown flag", ["--low"], "Unknown option '--low'"],
    ["a word", ["sea"], "Unexpected argument 'sea'"],
    ["a flag without its value", ["--to"], "Option '--to <value>' argument missing"],
    ["a value for a switch", ["--high=yes"], "Option '--high' does not take an argument"],
  ])("refuses %s", (_, argv, reason) => {
    const parse = () => parseCommandLine(command, argv, {});

    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(`${reason}. \`npm run fly -- --help\` lists the flags.`);
  });
});

describe("formatHelp", () => {
  test("lists the flags in columns", () => {
    expect(formatHelp({ ...command, notes: ["More."] })).toBe(
      [
        "npm run fly -- [flags]",
        "",
        "Flies.",
        "",
        "  --stage <name>  stage of config.ts; STAGE from the environment otherwise",
        "  --high          fly high",
        "  --to <place>    where to",
        "  --help          show this text",
        "",
        "More.",
      ].join("\n"),
    );
  });
});
