import { parseArgs } from "node:util";
import type { Environment } from "./system.ts";
import { messageOf, UserError } from "./user-error.ts";

/** One flag of a command. */
export interface Flag {
  readonly type: "string" | "boolean";
  /** Placeholder of the value in the help text. */
  readonly value?: string;
  readonly help: string;
}

/** What a command is called and which flags it takes; its help text is generated from this. */
export interface CommandDefinition<Flags extends Record<string, Flag> = Record<string, Flag>> {
  readonly name: string;
  /** A word that stands before the flags, where the npm script has several commands. */
  readonly verb?: string;
  /** What its words beside the flags are, `ids`. @default - it takes none */
  readonly words?: string;
  /** One sentence. */
  readonly summary: string;
  readonly flags: Flags;
  /** Further lines of the help text. */
  readonly notes?: readonly string[];
}

/** The values of a command's flags: a boolean is false unless given, a text undefined. */
export type FlagValues<Flags extends Record<string, Flag>> = {
  readonly [name in keyof Flags]: Flags[name]["type"] extends "boolean"
    ? boolean
    : string | undefined;
};

/** Flag of the commands that may build the image. */
export const REBUILD = {
  type: "boolean",
  help: "build even if the sources are unchanged, from the newest base image",
} as const;

/** Flags that npm has too: they may come from a user's npmrc, and missing them does no harm. */
const NPM_ALSO = ["json", "registry", "verbose", "yes"];

/** A wrong command line: exit code 2. */
export class UsageError extends UserError {}

/** Flag of every command that works on a stage. */
export const STAGE = {
  type: "string",
  value: "name",
  help: "stage in config.ts; default: STAGE from the environment",
} as const;

/** Flag of every command that changes something. */
export const DRY_RUN = {
  type: "boolean",
  help: "print what would be done and change nothing",
} as const;

/** Flag of every command that runs tools. */
export const VERBOSE = { type: "boolean", help: "show the output of every tool" } as const;

/** A command line whose flags end where a command of the user's own begins. */
export function splitCommand(
  { flags }: Pick<CommandDefinition, "flags">,
  argv: readonly string[],
): { readonly own: readonly string[]; readonly command: readonly string[] } {
  let end = 0;
  while (end < argv.length && /^--?\w/.test(argv[end] ?? "")) {
    const flag = flags[String(argv[end]).slice(2)];
    end += flag?.type === "string" ? 2 : 1;
  }
  const rest = argv.slice(end);
  return { own: argv.slice(0, end), command: rest[0] === "--" ? rest.slice(1) : rest };
}

/** The flags of a command line, or the help text when that was asked for. */
export function parseCommandLine<Flags extends Record<string, Flag>>(
  command: CommandDefinition<Flags>,
  argv: readonly string[],
  env: Environment,
):
  | { readonly help: string }
  | { readonly flags: FlagValues<Flags>; readonly words: readonly string[] } {
  const given = argv[0] === "--" ? argv.slice(1) : argv;
  const args = command.verb === undefined ? given : given.slice(1);
  if (args.includes("--help") || args.includes("-h")) return { help: formatHelp(command) };
  refuseSwallowed(command, args, env);
  const { values, positionals: words } = parseStrictly(command, args);
  refuseEmpty(values);
  const flags = Object.entries(command.flags).map(([name, flag]) => [
    name,
    values[name] ?? (flag.type === "boolean" ? false : defaultOf(name, env)),
  ]);
  return { flags: Object.fromEntries(flags) as FlagValues<Flags>, words };
}

/** The help text of a command. */
export function formatHelp(command: CommandDefinition): string {
  const rows = [...Object.entries(command.flags), ["help", { help: "show this text" }] as const];
  const names = rows.map(([name, flag]) => `--${name}${"value" in flag ? ` <${flag.value}>` : ""}`);
  const width = Math.max(...names.map((name) => name.length));
  return [
    `${callOf(command)}${command.words ? ` [${command.words}]` : ""} [flags]`,
    "",
    command.summary,
    "",
    ...rows.map(([, flag], row) => `  ${names[row]?.padEnd(width)}  ${flag.help}`),
    ...(command.notes ? ["", ...command.notes] : []),
  ].join("\n");
}

function parseStrictly(command: CommandDefinition, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, flag]) => [name, { type: flag.type }]),
  );
  try {
    const allowPositionals = command.words !== undefined;
    return parseArgs({ args: [...args], options, strict: true, allowPositionals });
  } catch (error) {
    const reason = firstSentence(messageOf(error));
    throw new UsageError(`${reason}. \`${callOf(command)} --help\` lists the flags.`, {
      cause: error,
    });
  }
}

// `npm run deploy --stage=production` leaves nothing of its flags but variables of npm's own making.
function refuseSwallowed(
  command: CommandDefinition,
  args: readonly string[],
  env: Environment,
): void {
  const words = args.filter((arg) => !arg.startsWith("-"));
  const swallowed = Object.entries(command.flags).flatMap(([name, flag]) => {
    const value = env[`npm_config_${name.replaceAll("-", "_")}`];
    const given = args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    if (value === undefined || given || NPM_ALSO.includes(name)) return [];
    if (flag.type === "boolean") return value === "true" ? [`--${name}`] : [];
    // With a space between them, npm takes the flag and leaves its value.
    const meant = value === "true" ? words.shift() : value;
    return [`--${name} ${meant || `<${flag.value}>`}`];
  });
  if (swallowed.length === 0) return;
  const names = swallowed.map((text) => text.split(" ")[0]).join(", ");
  throw new UsageError(
    `npm took ${names} for itself. Write \`${callOf(command)} ${swallowed.join(" ")}\`.`,
  );
}

// Mostly a variable that is not set. Acting on the default instead would be a surprise.
function refuseEmpty(values: Readonly<Record<string, unknown>>): void {
  const empty = Object.keys(values).find((name) => values[name] === "");
  if (empty) throw new UsageError(`--${empty} is empty. Give it a value or leave it out.`);
}

function callOf({ name, verb }: CommandDefinition): string {
  return ["npm run", name, "--", ...(verb === undefined ? [] : [verb])].join(" ");
}

function defaultOf(name: string, env: Environment): string | undefined {
  return name === "stage" && env.STAGE ? env.STAGE : undefined;
}

function firstSentence(text: string): string {
  return text.split(/\.\s|\n/)[0]?.replace(/\.$/, "") ?? text;
}
