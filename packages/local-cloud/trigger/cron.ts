// Yandex's dialect: https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/timer

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const LAST_YEAR = 2099;
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** A day in UTC. */
interface Day {
  readonly year: number;
  /** 1-12. */
  readonly month: number;
  readonly day: number;
  /** 1-7, 1 is Sunday. */
  readonly weekday: number;
  /** Days of its month. */
  readonly days: number;
}

/** When a timer fires, in UTC. */
export interface CronSchedule {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  isOn(day: Day): boolean;
}

/** Reads an expression that the stack has checked. */
export function parseCron(expression: string): CronSchedule {
  const fields = expression.trim().toUpperCase().split(/\s+/);
  const [minutes = "", hours = "", day = "", month = "", weekday = "", year = "*"] = fields;
  const months = new Set(values(month, 1, 12, MONTHS));
  const years = new Set(values(year, 1970, LAST_YEAR));
  const isDay = dayOfMonth(day);
  const isWeekday = dayOfWeek(weekday);
  return {
    minutes: values(minutes, 0, 59),
    hours: values(hours, 0, 23),
    isOn: (at) => years.has(at.year) && months.has(at.month) && isDay(at) && isWeekday(at),
  };
}

/** The first time later than `after`, in milliseconds since the epoch; `undefined` after 2099. */
export function nextTime(
  { minutes, hours, isOn }: CronSchedule,
  after: number,
): number | undefined {
  const earliest = Math.floor(after / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  const last = Date.UTC(LAST_YEAR + 1, 0, 1);
  for (let day = Math.floor(earliest / DAY_MS) * DAY_MS; day < last; day += DAY_MS) {
    if (!isOn(describeDay(day))) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const time = day + (hour * 60 + minute) * MINUTE_MS;
        if (time >= earliest) return time;
      }
    }
  }
  return undefined;
}

function describeDay(midnight: number): Day {
  const date = new Date(midnight);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth() + 1;
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return { year, month, day: date.getUTCDate(), weekday: date.getUTCDay() + 1, days };
}

/** All values of a field in order: lists, ranges and steps; `0/15` goes on to the end. */
function values(field: string, min: number, max: number, words: readonly string[] = []): number[] {
  const number = (text: string) =>
    words.includes(text) ? words.indexOf(text) + min : Number(text);
  const found = field.split(",").flatMap((item) => {
    const [range = "", step] = item.split("/");
    const [start = "", end] = range.split("-");
    const first = range === "*" ? min : number(start);
    const open = range === "*" || step !== undefined;
    const last = end !== undefined ? number(end) : open ? max : first;
    const every = Number(step ?? 1);
    if (![first, last, every].every(Number.isInteger) || every < 1) {
      throw new Error(`"${field}" is not a field of a cron expression.`);
    }
    return Array.from(
      { length: Math.floor((last - first) / every) + 1 },
      (_, n) => first + n * every,
    );
  });
  return [...new Set(found)].sort((one, other) => one - other);
}

function dayOfMonth(field: string): (day: Day) => boolean {
  if (field === "?" || field === "*") return () => true;
  if (field === "L") return ({ day, days }) => day === days;
  if (field === "LW") return (at) => at.day === nearestWorkday(at.days, at);
  if (field.endsWith("W")) {
    const wanted = Number(field.slice(0, -1));
    return (at) => wanted <= at.days && at.day === nearestWorkday(wanted, at);
  }
  const days = new Set(values(field, 1, 31));
  return ({ day }) => days.has(day);
}

/** The day from Monday to Friday that is nearest to another, in the same month. */
function nearestWorkday(wanted: number, { day, weekday, days }: Day): number {
  const of = ((((weekday - 1 + wanted - day) % 7) + 7) % 7) + 1;
  if (of === 1) return wanted === days ? wanted - 2 : wanted + 1;
  if (of === 7) return wanted === 1 ? wanted + 2 : wanted - 1;
  return wanted;
}

function dayOfWeek(field: string): (day: Day) => boolean {
  if (field === "?" || field === "*") return () => true;
  // The week's last day.
  if (field === "L") return ({ weekday }) => weekday === 7;
  const [name = "", nth] = field.split("#");
  if (nth !== undefined) {
    const [wanted] = values(name, 1, 7, WEEKDAYS);
    return ({ day, weekday }) => weekday === wanted && Math.ceil(day / 7) === Number(nth);
  }
  const weekdays = new Set(values(field, 1, 7, WEEKDAYS));
  return ({ weekday }) => weekdays.has(weekday);
}
