import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** Dresses a text for a terminal, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string;

/** No colours. */
export const plain: Paint = (_, text) => text;

/** Colours, whatever the output is. */
export const coloured: Paint = (format, text) => styleText(format, text, { validateStream: false });

/** A text of at most `width` characters; where it is longer, its start and an ellipsis. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** A text of at most `width` characters; where it is longer, an ellipsis and its end. */
export function clipStart(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}

/** `34 ms`, `0.3 s`, `12.0 s`, `3 min 20 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 100) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** The time of day on this machine, `12:04:31`. */
export function formatTime(at: number): string {
  const time = new Date(at);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** The time of day; of another day than `now`'s behind its date, `2026-11-24 12:04:31`. */
export function formatMoment(at: number, now: number): string {
  const [day, today] = [at, now].map(dayOf);
  return day === today ? formatTime(at) : `${day} ${formatTime(at)}`;
}

function dayOf(at: number): string {
  const time = new Date(at);
  return [time.getFullYear(), time.getMonth() + 1, time.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
}
