import type { Logged } from "../events/event.ts";
import { parseObject } from "../support/json.ts";
import { findCause } from "./_crash-cause.ts";

/** What a line says; whose line it is, is not known here. */
export type ParsedLine = Omit<Logged, "type" | "container">;

const LEVELS: Readonly<Record<string, Logged["level"]>> = {
  TRACE: "debug",
  DEBUG: "debug",
  INFO: "info",
  WARN: "warning",
  WARNING: "warning",
  ERROR: "error",
  FATAL: "error",
  CRITICAL: "error",
};

// gunicorn's `[2026-11-24 12:00:00 +0000] [71] [INFO] Listening`, and `WARNING:root:…`.
const LEVEL = /^(?:\[[^\]]*\] )*\[([A-Z]+)\]:? |^([A-Z]+)\b(?=[: ])/;
const GUNICORN = /^\[\d{4}-\d\d-\d\d [\d:]+ [+-]\d{4}\] \[\d+\] \[[A-Z]+\] /;

/** Reads one container's lines: JSON in the shape of Cloud Logging, Python's tracebacks, text. */
export class LogReader {
  private readonly roots: readonly string[];
  private inTraceback = false;

  /** @param roots folders of the project's sources, to which errors are traced */
  constructor(roots: readonly string[] = []) {
    this.roots = roots;
  }

  read(line: string): ParsedLine {
    return (
      readJson(line, this.roots) ?? {
        level: this.levelOf(line),
        message: line.replace(GUNICORN, ""),
      }
    );
  }

  private levelOf(line: string): Logged["level"] {
    const indented = /^\s/.test(line);
    const begins = line.startsWith("Traceback (most recent call last):");
    // The first line that is not indented names the exception, and is the last.
    const ends = this.inTraceback && !indented && !begins;
    const inside = this.inTraceback || begins;
    this.inTraceback = begins || (this.inTraceback && !ends && line !== "");
    if (inside) return "error";
    const [, bracketed, first] = LEVEL.exec(line) ?? [];
    return LEVELS[bracketed ?? first ?? ""] ?? "info";
  }
}

function readJson(line: string, roots: readonly string[]): ParsedLine | undefined {
  const entry = line.startsWith("{") ? parseObject(line) : undefined;
  if (entry === undefined || typeof entry.message !== "string") return undefined;
  const { level, exception, task_id: taskId, message_id: messageId } = entry;
  const cause = typeof exception === "string" ? findCause([line], roots) : undefined;
  return {
    level: LEVELS[String(level).toUpperCase()] ?? "info",
    message: withCause(entry.message, cause),
    ...(typeof taskId === "string" && { taskId }),
    ...(typeof messageId === "string" && { messageId }),
  };
}

/** Adds the exception, unless it only repeats the message. */
function withCause(message: string, cause = ""): string {
  const [, text = cause] = /^\w+: (.+)$/s.exec(cause) ?? [];
  return message.includes(text) ? message : `${message}: ${cause}`;
}
