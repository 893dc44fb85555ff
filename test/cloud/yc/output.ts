import { camelCase } from "../case.ts";
import { compact } from "../triggers.ts";
import { Text } from "./command.ts";

/** What `yc` prints on stdout; nothing at all for commands that give nothing back. */
export function format(result: unknown, kind: string, jq: string | undefined): string {
  if (result === undefined) return "";
  if (jq !== undefined) return `${printJq(pick(data(result), jq))}\n`;
  if (kind === "json") return `${JSON.stringify(data(result), null, 2)}\n`;
  if (kind === "json-rest") return `${JSON.stringify(camelCase(data(result)), null, 2)}\n`;
  return result instanceof Text ? `${result.text}\n` : yaml(data(result), "");
}

function data(result: unknown): unknown {
  return compact(result instanceof Text ? result.data : result);
}

function printJq(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null, null, 2);
}

function pick(value: unknown, query: string): unknown {
  const keys = query.split(".").filter((key) => key !== "");
  return keys.reduce<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], value);
}

function yaml(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    return value
      .map((item) => `${indent}- ${yaml(item, `${indent}  `).slice(indent.length + 2)}`)
      .join("");
  }
  if (typeof value !== "object" || value === null) return `${indent}${scalar(value)}\n`;
  return Object.entries(value)
    .map(([key, item]) =>
      typeof item === "object" && item !== null
        ? `${indent}${key}:\n${yaml(item, `${indent}  `)}`
        : `${indent}${key}: ${scalar(item)}\n`,
    )
    .join("");
}

function scalar(value: unknown): string {
  return typeof value === "string" && !/^[A-Za-z][\w.:/-]*$/.test(value)
    ? JSON.stringify(value)
    : String(value);
}
