import type { Logged } from "../events/event.ts";
import { parseObject } from "../support/json.ts";

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
  private inTraceback = false;

  read(line: string): ParsedLine {
    return readJson(line) ?? { level: this.levelOf(line), message: line.replace(GUNICORN, "") };
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

function readJson(line: string): ParsedLine | undefined {
  const entry = line.startsWith("{") ? parseObject(line) : undefined;
  if (entry === undefined || typeof entry.message !== "string") return undefined;
  const { level, message, task_id: taskId, message_id: messageId } = entry;
  return {
    level: LEVELS[String(level).toUpperCase()] ?? "info",
    message,
    ...(typeof taskId === "string" && { taskId }),
    ...(typeof messageId === "string" && { messageId }),
  };
}
