import * as v from "valibot";
import { UsageError } from "../shell/command-line.ts";
import type { Environment } from "../shell/system.ts";

/** What makes a command wait for somebody who types, unless a word says otherwise. */
interface Rule {
  readonly unless?: RegExp;
  readonly because: string;
  /** The way out. */
  readonly instead: string;
}

const ASKS = "asks a question, which nobody can answer in the cloud";
const TYPED = "waits for somebody who types, which nobody can in the cloud";
const NO_INPUT = /^--no-?input$/;
const PYTHON = "shell -c";

const asking = (name: string): [string, Rule] => [
  name,
  { unless: NO_INPUT, because: ASKS, instead: `Write \`${callOf(`${name} --noinput`)}\`` },
];

const serving = (name: string): [string, Rule] => [
  name,
  {
    because: "serves until somebody stops it",
    instead: "The site is up already: `npm run outputs` prints its address",
  },
];

const writing = (name: string, unless?: RegExp): [string, Rule] => [
  name,
  {
    ...(unless && { unless }),
    because: "writes files, which are lost with the container",
    instead: `Run it at home, \`npm run local -- manage ${name}\`, and commit what it writes`,
  },
];

const RULES: ReadonlyMap<string, Rule> = new Map([
  ...["flush", "collectstatic", "remove_stale_contenttypes"].map(asking),
  ...["runserver", "runserver_plus", "testserver"].map(serving),
  ...["makemessages", "compilemessages", "squashmigrations", "startapp"].map((it) => writing(it)),
  writing("makemigrations", /^--(check|dry-run)$/),
  ...["shell", "shell_plus"].map((name): [string, Rule] => [
    name,
    {
      unless: /^(-c|--com)/,
      because: TYPED,
      instead: `Write \`${callOf(`${name} -c "print(1)"`)}\``,
    },
  ]),
  [
    "dbshell",
    {
      unless: /^--$/,
      because: TYPED,
      instead: `Write \`${callOf(`${PYTHON} "…"`)}\`, or \`${callOf('dbshell -- -c "select 1"')}\` if the image has the database's own client`,
    },
  ],
  [
    "createsuperuser",
    {
      unless: NO_INPUT,
      because: ASKS,
      instead: `Set DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_EMAIL in 'env' and DJANGO_SUPERUSER_PASSWORD in 'secrets' of config.ts, deploy, and write \`${callOf("createsuperuser --noinput")}\``,
    },
  ],
  [
    "changepassword",
    {
      because: ASKS,
      instead: `Set DJANGO_SUPERUSER_PASSWORD in 'secrets' of config.ts, deploy, and write \`${callOf(`${PYTHON} "import os; from django.contrib.auth import get_user_model; user = get_user_model().objects.get(username='…'); user.set_password(os.environ['DJANGO_SUPERUSER_PASSWORD']); user.save()"`)}\``,
    },
  ],
]);

/** @throws UsageError for a command that waits for somebody, or whose work is lost with its container */
export function refuseInteractive([name = "", ...rest]: readonly string[]): void {
  const rule = RULES.get(name);
  if (rule === undefined || rest.some((word) => rule.unless?.test(word))) return;
  throw new UsageError(`\`${name}\` ${rule.because}. ${rule.instead}.`);
}

/** Flags of Django's that a command is another without; npm would have left it alone. */
const DJANGOS = [
  ...["check", "clear", "database", "dry-run", "fake", "fake-initial", "input", "list", "noinput"],
  ...["plan", "prune", "run-syncdb", "settings"],
];

/** @throws UsageError where npm took a flag that was meant for the command */
export function refuseTaken(words: readonly string[], env: Environment): void {
  const taken = DJANGOS.filter(
    (flag) => env[`npm_config_${flag.replaceAll("-", "_")}`] !== undefined,
  );
  const [first] = taken.filter((flag) => !words.some((word) => word.startsWith(`--${flag}`)));
  if (first === undefined) return;
  const flag = first === "input" ? "no-input" : first;
  throw new UsageError(
    `npm took --${flag} for itself. Write \`${callOf([...words, `--${flag}`].join(" "))}\`.`,
  );
}

const wordsSchema = v.pipe(v.string(), v.parseJson(), v.array(v.string()), v.minLength(1));

/** @throws UsageError unless MANAGE_WORDS is a JSON array of words */
export function parseWords(text: string | undefined): readonly string[] {
  const parsed = v.safeParse(wordsSchema, text);
  if (parsed.success) return parsed.output;
  throw new UsageError(
    `MANAGE_WORDS is ${text ?? "not set"}, and must be the words of a command as a JSON array, e.g. ["migrate", "--noinput"].`,
  );
}

function callOf(line: string): string {
  return `npm run manage -- ${line}`;
}
