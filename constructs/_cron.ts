// Yandex's dialect: https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/timer

const MAX_LENGTH = 100;

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Words for the values, the first for `min`. */
  readonly words?: readonly string[];
  /** Forms that only this field has and that stand alone in it. */
  readonly alone?: RegExp;
  /** What may stand in it, for people. */
  readonly allowed: string;
}

const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] as const;

const MINUTES: Field = { name: "Minutes", min: 0, max: 59, allowed: "0-59" };
const HOURS: Field = { name: "Hours", min: 0, max: 23, allowed: "0-23" };
const DAY: Field = {
  name: "Day of month",
  min: 1,
  max: 31,
  alone: /^(?:\?|L|LW|(?:[1-9]|[12]\d|3[01])W)$/,
  allowed: "1-31, ?, L, LW or 15W",
};
const MONTH: Field = {
  name: "Month",
  min: 1,
  max: 12,
  words: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
  allowed: "1-12 or JAN-DEC",
};
const WEEKDAY: Field = {
  name: "Day of week",
  min: 1,
  max: 7,
  words: WEEKDAYS,
  alone: /^(?:\?|L|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5])$/,
  allowed: "1-7 from Sunday on, SUN-SAT, ?, L or 6#3",
};
const YEAR: Field = { name: "Year", min: 1970, max: 2099, allowed: "1970-2099" };

/** An expression, field by field. */
interface Cron {
  readonly minutes: string;
  readonly hours: string;
  readonly day: string;
  readonly month: string;
  readonly weekday: string;
  readonly year?: string;
}

/** What is wrong, and what may have been meant. */
interface Problem {
  readonly text: string;
  readonly instead?: string;
}

const SHORTHANDS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 ? *",
  "@annually": "0 0 1 1 ? *",
  "@monthly": "0 0 1 * ? *",
  "@weekly": "0 0 ? * SUN *",
  "@daily": "0 0 * * ? *",
  "@midnight": "0 0 * * ? *",
  "@hourly": "0 * * * ? *",
};

/**
 * What is wrong with a cron expression, as a sentence without a full stop that names the field and,
 * where the meaning is clear, what to write instead. `undefined` when nothing is.
 */
export function cronProblem(expression: string): string | undefined {
  const problem = findProblem(expression);
  if (problem?.instead === undefined || findProblem(problem.instead)) return problem?.text;
  return `${problem.text}: write "${problem.instead}"`;
}

function findProblem(expression: string): Problem | undefined {
  const text = expression.trim().toUpperCase();
  const fields = text.split(/\s+/);
  return textProblem(text) ?? countProblem(fields) ?? fieldProblem(fields) ?? daysProblem(fields);
}

function textProblem(text: string): Problem | undefined {
  if (text.startsWith("@")) {
    const name = text.toLowerCase();
    return { text: `${name} is not known here`, instead: SHORTHANDS[name] };
  }
  if (text.length > MAX_LENGTH) return { text: `Shorten it to ${MAX_LENGTH} characters` };
  if (/,\s|\s,/.test(text)) {
    return { text: "Lists have no spaces", instead: text.replaceAll(/\s*,\s*/g, ",") };
  }
  return undefined;
}

function countProblem(fields: readonly string[]): Problem | undefined {
  // Dialects that begin with seconds have six fields, of which the last is the day of week, or seven.
  const hasSeconds = fields.length === 7 || (fields.length === 6 && !isValid(YEAR, fields[5]));
  const instead = repair(parse(fields.slice(1)));
  if (hasSeconds && !findProblem(instead)) {
    return { text: "There is no field for seconds", instead };
  }
  if (fields.length === 5 || fields.length === 6) return undefined;
  return { text: `Write five fields and, if need be, a year; there are ${fields.length}` };
}

function fieldProblem(fields: readonly string[]): Problem | undefined {
  const cron = parse(fields);
  const text =
    valueProblem(MINUTES, cron.minutes) ??
    valueProblem(HOURS, cron.hours) ??
    valueProblem(DAY, cron.day) ??
    valueProblem(MONTH, cron.month) ??
    valueProblem(WEEKDAY, cron.weekday) ??
    valueProblem(YEAR, cron.year ?? "*");
  return text === undefined ? undefined : { text, instead: repair(cron) };
}

/** One of the two days has to be `?`, and only one. */
function daysProblem(fields: readonly string[]): Problem | undefined {
  const cron = parse(fields);
  const { day, weekday } = cron;
  if (day === "?" && weekday === "?") {
    return { text: "Day of month and day of week cannot both be ?", instead: repair(cron) };
  }
  if (day === "?" || weekday === "?") return undefined;
  const text = "Day of month and day of week cannot both be filled";
  if (day === "*" || weekday === "*") return { text, instead: repair(cron) };
  const byDay = render({ ...cron, weekday: "?" });
  const byWeekday = render({ ...cron, day: "?", weekday: ourWeekdays(cron) });
  return { text: `${text}: make two timers, "${byDay}" and "${byWeekday}"` };
}

function isValid(field: Field, value: string | undefined): boolean {
  return value !== undefined && valueProblem(field, value) === undefined;
}

function valueProblem(field: Field, value: string): string | undefined {
  if (field.alone?.test(value)) return undefined;
  for (const item of value.split(",")) {
    const problem = itemProblem(field, item);
    if (problem) return problem;
  }
  return undefined;
}

function itemProblem(field: Field, item: string): string | undefined {
  const [, start = "", end, step] = /^([^-/]+)(?:-([^-/]+))?(?:\/(\d+))?$/.exec(item) ?? [];
  const first = start === "*" && end === undefined ? field.min : numberOf(field, start);
  const last = end === undefined ? first : numberOf(field, end);
  if (field.alone?.test(item)) return `${field.name} has ${item} in a list, and takes it alone`;
  if (first === undefined || last === undefined) {
    return `${field.name} is ${item || "empty"}, and takes ${field.allowed}`;
  }
  if (first > last) {
    return `${field.name} counts down from ${start} to ${end}, which takes two ranges and a comma`;
  }
  if (step !== undefined && (Number(step) < 1 || Number(step) > field.max)) {
    return `${field.name} has a step of ${step}, and takes 1 to ${field.max}`;
  }
  return undefined;
}

function numberOf({ min, max, words = [] }: Field, text: string): number | undefined {
  const word = words.indexOf(text);
  if (word >= 0) return min + word;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

/** The same schedule in this dialect, as far as the habits of other dialects tell. */
function repair(cron: Cron): string {
  const weekday = ourWeekdays(cron);
  if (weekday === "?") return render({ ...cron, day: cron.day === "?" ? "*" : cron.day });
  if (weekday === "*")
    return render({ ...cron, day: cron.day === "?" ? "*" : cron.day, weekday: "?" });
  return render({ ...cron, day: cron.day === "*" ? "?" : cron.day, weekday });
}

/**
 * The day of week with names instead of Unix cron's numbers, in which Sunday is 0 or 7. They are
 * taken for such where a 0 shows it, or where both days are filled and there is no year.
 */
function ourWeekdays({ day, weekday, year }: Cron): string {
  const isUnix = /(?:^|[,-])0/.test(weekday) || (day !== "?" && year === undefined);
  if (!isUnix || !/^[0-7,*/-]+$/.test(weekday)) return weekday;
  return weekday.split(",").map(nameWeekdays).join(",");
}

function nameWeekdays(item: string): string {
  const [range = "", step] = item.split("/");
  const names = range.replaceAll(/\d/g, (digit) => WEEKDAYS[Number(digit) % 7] ?? digit);
  if (step !== undefined) return `${names}/${step}`;
  // Sunday ends Unix cron's week and begins this one's.
  return names.replace(/^((?!SUN)...)-SUN$/, "$1-SAT,SUN");
}

function parse(fields: readonly string[]): Cron {
  const [minutes = "", hours = "", day = "", month = "", weekday = "", year] = fields;
  return { minutes, hours, day, month, weekday, year };
}

function render({ minutes, hours, day, month, weekday, year = "*" }: Cron): string {
  return [minutes, hours, day, month, weekday, year].join(" ");
}
