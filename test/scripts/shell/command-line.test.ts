import { describe, expect, test } from "vitest";
import {
  DRY_RUN,
  formatHelp,
  parseCommandLine,
  STAGE,
  splitCommand,
  UsageError,
} from "../../../scripts/lib/shell/command-line.ts";

const command = {
  name: "fly",
  summary: "Flies.",
  flags: {
    stage: STAGE,
    high: { type: "boolean", help: "fly high" },
    to: { type: "string", value: "place", help: "where to" },
    yes: { type: "boolean", help: "do not ask" },
  },
} as const;

describe("splitCommand", () => {
  test.each([
    [["python", "manage.py", "--high"], [], ["python", "manage.py", "--high"]],
    [
      ["--to", "sea", "python", "-m", "x"],
      ["--to", "sea"],
      ["python", "-m", "x"],
    ],
    [["--to=sea", "--high", "ls"], ["--to=sea", "--high"], ["ls"]],
    [["--high", "--", "--odd"], ["--high"], ["--odd"]],
    [["--help"], ["--help"], []],
    [[], [], []],
  ])("of %j takes %j for its own", (argv, own, words) => {
    expect(splitCommand(command, argv)).toEqual({ own, command: words });
  });
});

describe("parseCommandLine", () => {
  test("gives every flag a value", () => {
    expect(parseCommandLine(command, ["--high", "--to", "sea"], {})).toEqual({
      flags: { stage: undefined, high: true, to: "sea", yes: false },
      words: [],
    });
  });

  test("takes words beside the flags only where the command has some", () => {
    const far = { ...command, verb: "far", words: "places…" };

    expect(parseCommandLine(far, ["far", "a", "--to", "sea", "b"], {})).toMatchObject({
      flags: { to: "sea" },
      words: ["a", "b"],
    });
    expect(formatHelp(far)).toContain("npm run fly -- far [places…] [flags]\n");
    expect(() => parseCommandLine(command, ["a"], {})).toThrow("Unexpected argument 'a'");
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

  test.each([
    [["--stage", ""], "--stage is empty. Give it a value or leave it out."],
    [["--to="], "--to is empty. Give it a value or leave it out."],
  ])("refuses %j: most likely a variable that is not set", (argv, message) => {
    const parse = () => parseCommandLine(command, argv, { STAGE: "production" });

    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });

  test.each<[string, string[], Record<string, string>, string]>([
    ["--stage=test", [], { stage: "test" }, "--stage. --stage test"],
    ["--stage test", ["test"], { stage: "true" }, "--stage. --stage test"],
    ["--stage", [], { stage: "true" }, "--stage. --stage <name>"],
    ["--stage=", [], { stage: "" }, "--stage. --stage <name>"],
    [
      "--high --stage test",
      ["test"],
      { high: "true", stage: "true" },
      "--stage, --high. --stage test --high",
    ],
  ])("refuses `npm run fly %s`, whose flags npm keeps", (_, argv, config, expected) => {
    const [names, flags] = expected.split(". ");
    const parse = () => parseCommandLine(command, argv, npmConfig(config));

    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(`npm took ${names} for itself. Write \`npm run fly -- ${flags}\`.`);
  });

  test("refuses a dry run that npm would make a real one", () => {
    const dry = { ...command, flags: { "dry-run": DRY_RUN } };

    expect(() => parseCommandLine(dry, [], { npm_config_dry_run: "true" })).toThrow(
      "npm took --dry-run for itself.",
    );
  });

  test.each<[string, string[], Record<string, string>]>([
    ["what npm has a setting of its own for", [], { yes: "true", loglevel: "verbose" }],
    ["a switch that is off", [], { high: "" }],
    ["a flag that came through all the same", ["--stage", "test"], { stage: "other" }],
    ["the same with an equals sign", ["--stage=test"], { stage: "other" }],
  ])("does not mind %s", (_, argv, config) => {
    expect(parseCommandLine(command, argv, npmConfig(config))).toHaveProperty("flags");
  });
});

function npmConfig(config: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [`npm_config_${name}`, value]),
  );
}

describe("formatHelp", () => {
  test("lists the flags in columns", () => {
    expect(formatHelp({ ...command, notes: ["More."] })).toBe(
      [
        "npm run fly -- [flags]",
        "",
        "Flies.",
        "",
        "  --stage <name>  stage in config.ts; default: STAGE from the environment",
        "  --high          fly high",
        "  --to <place>    where to",
        "  --yes           do not ask",
        "  --help          show this text",
        "",
        "More.",
      ].join("\n"),
    );
  });
});
