/** A flag's name to what it takes. `list` may be given more than once. */
export type Flags = Readonly<Record<string, FlagType>>;
export type FlagType = "string" | "int" | "bool" | "duration" | "labels" | "list";

export interface Command<Context> {
  /** Words that name the command, without the program. */
  readonly path: string;
  readonly flags: Flags;
  readonly required?: readonly string[];
  /** Of each group exactly one flag must be given. */
  readonly oneOf?: readonly (readonly string[])[];
  /** Fewest and most positional arguments. @default none */
  readonly args?: readonly [number, number];
  run(call: Call, context: Context): unknown;
}

/** A command line that was understood. */
export interface Call {
  readonly args: readonly string[];
  has(flag: string): boolean;
  text(flag: string): string | undefined;
  list(flag: string): readonly string[];
}

/** The command line itself is wrong. */
export class UsageError extends Error {}

/** Finds the command in `argv` and reads its flags, the way Go's cobra and pflag do. */
export function parse<C extends Command<never>>(
  program: string,
  argv: readonly string[],
  commands: readonly C[],
  globals: Flags,
  shorthands: Readonly<Record<string, string>> = {},
): { command: C; call: Call } {
  const { command, rest } = findCommand(program, argv, commands, globals);
  const call = readFlags(rest, { ...globals, ...command.flags }, shorthands);
  if (!call.has("help")) checkCall(command, call);
  return { command, call };
}

/** Quotes as a shell would, so that a log line shows where each argument ends. */
export function formatCommand(argv: readonly string[]): string {
  return argv.map((arg) => (/^[\w@%+=:,./{}-]+$/.test(arg) ? arg : JSON.stringify(arg))).join(" ");
}

export function parseLabels(text: string): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UsageError(`${pair} must be formatted as key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Go's duration (`1m30s`) in the API's form (`90s`). */
export function parseDuration(text: string): string {
  if (text === "0") return "0s";
  const parts = [...text.matchAll(/([0-9.]+)(h|ms|m|s)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) {
    const reason = /^[0-9.]+$/.test(text) ? "missing unit in duration" : "invalid duration";
    throw new UsageError(`time: ${reason} ${JSON.stringify(text)}`);
  }
  const seconds = { h: 3600, m: 60, s: 1, ms: 0.001 };
  const total = parts.reduce(
    (sum, [, number, unit]) => sum + Number(number) * seconds[unit as keyof typeof seconds],
    0,
  );
  return `${total}s`;
}

function findCommand<C extends Command<never>>(
  program: string,
  argv: readonly string[],
  commands: readonly C[],
  globals: Flags,
): { command: C; rest: string[] } {
  const path: string[] = [];
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? "";
    if (word.startsWith("-")) {
      rest.push(word);
      if (takesNext(word, globals)) rest.push(argv[++i] ?? "");
      continue;
    }
    const next = [...path, word].join(" ");
    if (!commands.some(({ path: other }) => `${other} `.startsWith(`${next} `))) {
      const parent = [program, ...path].join(" ");
      throw new UsageError(`unknown command ${JSON.stringify(word)} for ${JSON.stringify(parent)}`);
    }
    path.push(word);
    const command = commands.find(({ path: other }) => other === next);
    if (command) return { command, rest: [...rest, ...argv.slice(i + 1)] };
  }
  throw new UsageError(`${[program, ...path].join(" ")}: a command is missing`);
}

function takesNext(word: string, flags: Flags): boolean {
  const type = flags[word.replace(/^--/, "")];
  return type !== undefined && type !== "bool";
}

function readFlags(
  words: readonly string[],
  flags: Flags,
  shorthands: Readonly<Record<string, string>>,
): Call {
  const values = new Map<string, string[]>();
  const args: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") {
      args.push(...queue.splice(0));
    } else if (word === "-" || !word.startsWith("-")) {
      args.push(word);
    } else {
      const { name, value } = readFlag(word, flags, shorthands, queue);
      values.set(name, [...(values.get(name) ?? []), value]);
    }
  }
  return {
    args,
    has: (flag) => values.has(flag),
    text: (flag) => values.get(flag)?.at(-1),
    list: (flag) => values.get(flag) ?? [],
  };
}

function readFlag(
  word: string,
  flags: Flags,
  shorthands: Readonly<Record<string, string>>,
  queue: string[],
): { name: string; value: string } {
  const [, given = "", attached] = /^(--?[^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
  const name = given.startsWith("--") ? given.slice(2) : shorthands[given.slice(1)];
  const type = name === undefined ? undefined : flags[name];
  if (name === undefined || type === undefined) {
    throw new UsageError(
      given.startsWith("--")
        ? `unknown flag: ${given}`
        : `unknown shorthand flag: '${given.slice(1, 2)}' in ${word}`,
    );
  }
  if (type === "bool") return { name, value: attached ?? "true" };
  const value = attached ?? queue.shift();
  if (value === undefined) throw new UsageError(`flag needs an argument: ${given}`);
  return { name, value: checkValue(name, type, value) };
}

function checkValue(name: string, type: FlagType, value: string): string {
  if (type === "int" && !/^-?\d+$/.test(value)) {
    throw new UsageError(
      `invalid argument ${JSON.stringify(value)} for "--${name}" flag: ` +
        `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`,
    );
  }
  if (type === "duration") return parseDuration(value);
  if (type === "labels") parseLabels(value);
  return value;
}

function checkCall(command: Command<never>, call: Call): void {
  const missing = (command.required ?? []).filter((flag) => !call.has(flag));
  if (missing.length > 0) {
    const names = missing.map((flag) => JSON.stringify(flag)).join(", ");
    throw new UsageError(`required flag(s) ${names} not set`);
  }
  for (const group of command.oneOf ?? []) checkGroup(group, call);
  const [least, most] = command.args ?? [0, 0];
  if (call.args.length < least || call.args.length > most) {
    throw new UsageError(
      `accepts ${least === most ? least : `${least} to ${most}`} arg(s), received ${call.args.length}`,
    );
  }
}

function checkGroup(group: readonly string[], call: Call): void {
  const given = group.filter((flag) => call.has(flag));
  const names = (flags: readonly string[]) => flags.map((flag) => `--${flag}`).join(", ");
  if (given.length === 0) throw new UsageError(`one of ${names(group)} is required`);
  if (given.length > 1) throw new UsageError(`only one of ${names(given)} may be given`);
}
