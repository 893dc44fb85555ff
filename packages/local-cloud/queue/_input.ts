import { QueueError } from "./errors.ts";
import type { MessageAttribute, MessageAttributes } from "./message.ts";

/** A request's fields in the shape of the JSON protocol. Numbers may be texts. */
export type Input = Readonly<Record<string, unknown>>;

export function optionalText(input: Input, field: string): string | undefined {
  const value = input[field];
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  throw misshapen(field, "a string");
}

export function text(input: Input, field: string): string {
  const value = optionalText(input, field);
  if (value) return value;
  throw new QueueError("MissingParameter", `No ${field} parameter.`);
}

/** A whole number from 0, or what `fallback` says; above `max` with the words of `tooBig`. */
export function wholeNumber<T>(
  input: Input,
  field: string,
  fallback: T,
  max: number,
  tooBig: string,
): number | T {
  const value = input[field];
  if (value === undefined || value === null) return fallback;
  if (typeof value === "number" && value >= 0 && value <= max && Number.isInteger(value)) {
    return value;
  }
  if (typeof value === "string" && /^\d+$/.test(value) && Number(value) <= max) {
    return Number(value);
  }
  throw new QueueError("InvalidParameterValue", `${tooBig} ${field} is ${JSON.stringify(value)}.`);
}

export function texts(input: Input, field: string): readonly string[] {
  const value = input[field] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw misshapen(field, "a list of strings");
}

export function textMap(input: Input, field: string): Readonly<Record<string, string>> {
  const value = input[field] ?? {};
  if (isFields(value) && Object.values(value).every((item) => typeof item === "string")) {
    return value as Readonly<Record<string, string>>;
  }
  throw misshapen(field, "an object of strings");
}

/** The entries of a batch. */
export function entries(input: Input, field: string): readonly Input[] {
  const value = input[field] ?? [];
  if (Array.isArray(value) && value.every(isFields)) return value;
  throw misshapen(field, "a list of objects");
}

export function messageAttributes(input: Input): MessageAttributes | undefined {
  const value = input.MessageAttributes;
  if (value === undefined || value === null) return undefined;
  if (!isFields(value)) throw misshapen("MessageAttributes", "an object");
  const attributes: Record<string, MessageAttribute> = {};
  for (const [name, attribute] of Object.entries(value)) {
    if (!isFields(attribute)) throw misshapen(`MessageAttributes.${name}`, "an object");
    attributes[name] = {
      dataType: optionalText(attribute, "DataType") ?? "",
      stringValue: optionalText(attribute, "StringValue"),
      binaryValue: optionalText(attribute, "BinaryValue"),
    };
  }
  return attributes;
}

export function isFields(value: unknown): value is Input {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function misshapen(field: string, wanted: string): QueueError {
  return new QueueError("InvalidArgumentException", `${field} must be ${wanted}.`);
}
