import type {
  CloudEvent,
  ContainerChanged,
  Logged,
  Requested,
} from "../../../../packages/local-cloud/events/event.ts";
import { harmless } from "../../../../packages/local-cloud/support/harmless.ts";
import { clip, formatDuration, type Paint } from "../../shell/style.ts";

/** Which log lines are shown as they come; with `failed`, failing tasks show their last ones. */
export type LogMode = "none" | "failed" | "warnings" | "all";

/** In the order in which the key `l` goes through them. */
export const LOG_MODES: readonly LogMode[] = ["failed", "warnings", "all", "none"];

const LINE_WIDTH = 300;
const NAME_WIDTH = 8;

/** What an event that is not a task's says, or `undefined` where it is not worth a line. */
export function describeEvent(event: CloudEvent, mode: LogMode, paint: Paint): string | undefined {
  switch (event.type) {
    case "container":
      return containerText(event, paint);
    case "refused": {
      const fix = event.fix ? `  ${event.fix}` : "";
      const text = harmless(`by ${event.by}: ${event.message}${fix}`);
      return `${paint("red", "REFUSED")} ${text}`;
    }
    case "timer": {
      const ok = event.status >= 200 && event.status < 300;
      const word = paint(ok ? "green" : "red", ok ? "timer" : "TIMER");
      const why = ok || mode === "warnings" || mode === "all" ? "" : "; for the log: key l";
      return `${word} ${harmless(event.timer)} fired, answer ${event.status}${why}`;
    }
    case "request":
      return requestText(event, mode, paint);
    case "log":
      return logText(event, mode, paint);
    default:
      return undefined;
  }
}

function containerText({ container, state, detail, cause }: ContainerChanged, paint: Paint) {
  if (state !== "crashed") return undefined;
  const text = [container, cause, detail].filter(Boolean).join("  ");
  return `${paint("red", "CRASH")} ${harmless(text)}`;
}

function requestText({ method, path, status, seconds }: Requested, mode: LogMode, paint: Paint) {
  const bad = status >= 500;
  if (!bad && mode !== "all") return undefined;
  const line = `${harmless(method)} ${clip(harmless(path), 80)} ${status}  ${formatDuration(seconds * 1000)}`;
  return bad ? paint("red", line) : line;
}

function logText({ container, level, message }: Logged, mode: LogMode, paint: Paint) {
  const loud = level === "warning" || level === "error";
  if (mode !== "all" && !(mode === "warnings" && loud)) return undefined;
  const line = `${harmless(container).padEnd(NAME_WIDTH)} | ${clip(harmless(message), LINE_WIDTH)}`;
  return loud ? paint(level === "error" ? "red" : "yellow", line) : line;
}
