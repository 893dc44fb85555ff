// Yandex Cloud's dialect: https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/timer

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

const FIELDS: readonly Field[] = [
  { name: "Minutes", min: 0, max: 59, allowed: "0-59" },
  { name: "Hours", min: 0, max: 23, allowed: "0-23" },
  {
    name: "Day of month",
    min: 1,
    max: 31,
    alone: /^(?:\?|L|LW|(?:[1-9]|[12]\d|3[01])W)$/,
    allowed: "1-31, ?, L, LW or 15W",
  },
  {
    name: "Month",
    min: 1,
    max: 12,
    words: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    allowed: "1-12 or JAN-DEC",
  },
  {
    name: "Day of week",
    min: 1,
    max: 7,
    words: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    alone: /^(?:\?|L|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5])$/,
    allowed: "1-7 (1 is Sunday), SUN-SAT, ?, L or 6#3",
  },
  { name: "Year", min: 1970, max: 2099, allowed: "1970-2099" },
];

const DAYS = "day of month or as day of week";

/** What is wrong with a cron expression, without a full stop; `undefined` when nothing is. */
export function cronProblem(expression: string): string | undefined {
  const text = expression.trim().toUpperCase();
  const values = text.split(/\s+/);
  const { length } = values;
  if (text.length > MAX_LENGTH) return `Shorten it to ${MAX_LENGTH} characters`;
  if (length !== 5 && length !== 6) return `Write five fields and an optional year, not ${length}`;
  for (const [index, field] of FIELDS.slice(0, length).entries()) {
    const value = values[index] ?? "";
    if (!isValid(field, value)) return `${field.name} must be ${field.allowed}, not ${value}`;
  }
  const [, , day, , weekday] = values;
  if ((day === "?") === (weekday === "?")) return `Write ? as ${DAYS}, and only one of them`;
  return undefined;
}

function isValid(field: Field, value: string): boolean {
  return field.alone?.test(value) || value.split(",").every((item) => isValidItem(field, item));
}

/** A value, a range or `*`, each perhaps with a step. */
function isValidItem(field: Field, item: string): boolean {
  const [, start = "", end, step = "1"] = /^([^-/]+)(?:-([^-/]+))?(?:\/(\d+))?$/.exec(item) ?? [];
  const first = start === "*" && end === undefined ? field.min : numberOf(field, start);
  const last = end === undefined ? first : numberOf(field, end);
  if (first === undefined || last === undefined || first > last) return false;
  return Number(step) >= 1 && Number(step) <= field.max;
}

function numberOf({ min, max, words = [] }: Field, text: string): number | undefined {
  const word = words.indexOf(text);
  if (word >= 0) return min + word;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}
