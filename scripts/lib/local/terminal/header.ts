import type { Addresses } from "../../../../packages/local-cloud/local-cloud.ts";
import { harmless } from "../../../../packages/local-cloud/support/harmless.ts";
import { clip, type Paint } from "../../shell/style.ts";

const WIDTH = 100;
const NOTE_COLUMN = 56;

/** What the first lines say. */
export interface StartupInfo {
  readonly project: string;
  readonly urls: Addresses;
  /** Ports that were taken, and what is used instead. */
  readonly moved: readonly { readonly wanted: number; readonly port: number }[];
  /** Folder that keeps queue and table; `undefined` in memory. */
  readonly data?: string;
  readonly skipped: readonly string[];
  /** Another one that runs in this folder. */
  readonly other?: { readonly pid: number; readonly site: string };
}

/** The first lines, eight at most: addresses first. */
export function formatHeader(info: StartupInfo, paint: Paint, keys: boolean): string[] {
  const { urls, skipped, moved, other } = info;
  const kept = info.data ? `kept in ${info.data}` : "in memory; --data DIR keeps it";
  const page = `  Console  ${paint(["bold", "cyan"], urls.control)}`;
  const padding = " ".repeat(Math.max(1, NOTE_COLUMN - "  Console  ".length - urls.control.length));
  const stores = [
    ...(urls.postgres ? [`Database ${urls.postgres}`] : []),
    ...(urls.storage ? [`Files    ${urls.storage}`] : []),
  ];
  const shell = paint("dim", "clients: npm run local -- env");
  return [
    `${page}${padding}${paint("dim", harmless(`${info.project}, ${kept}`))}`,
    `  App      ${paint(["bold", "cyan"], urls.site)}`,
    `  Queue    ${urls.queue}     Table  ${urls.tables}     ${shell}`,
    ...(stores.length > 0 ? [`  ${stores.join("     ")}`] : []),
    ...(other
      ? [`  Another  runs in this folder too: ${harmless(other.site)} (process ${other.pid})`]
      : []),
    ...(moved.length > 0 ? [`  Ports    ${describeMoves(moved)}`] : []),
    ...(skipped.length > 0
      ? [paint("dim", clip(harmless(`  Skipped  ${skipped.join(", ")}`), WIDTH))]
      : []),
    ...(keys ? [paint("dim", `  ${KEYS}`)] : []),
  ];
}

const KEYS = "o open console   p pause   f fire timer   l logs: failed   r restart   q quit";

function describeMoves(moved: StartupInfo["moved"]): string {
  const wanted = moved.map((move) => move.wanted).join(", ");
  return `${wanted} taken, ${moved.map(({ port }) => port).join(", ")} instead`;
}
