import { isObject, type JsonObject } from "../support/json.ts";
import { QueueError } from "./errors.ts";
import type { MessageAttribute, MessageAttributes } from "./message.ts";

// A request's fields, in the shape of the JSON protocol. Numbers may be texts.

/** A field that may be left out. */
export function optionalText(input: JsonObject, field: string): string | undefined {
  const value = input[field];
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  throw misshapen(field, "a string");
}

/** A field that is needed. */
export function text(input: JsonObject, field: string): string {
  const value = optionalText(input, field);
  if (value) return value;
  throw new QueueError("MissingParameter", `No ${field} parameter.`);
}

/** A whole number from 0, or what `fallback` says; above `max` with the words of `tooBig`. */
export function wholeNumber<T>(
  input: JsonObject,
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

/** A list of names or keys, empty where it is left out. */
export function texts(input: JsonObject, field: string): readonly string[] {
  const value = input[field] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw misshapen(field, "a list of strings");
}

/** Texts by name, empty where they are left out. */
export function textMap(input: JsonObject, field: string): Readonly<Record<string, string>> {
  const value = input[field] ?? {};
  if (isTextMap(value)) return value;
  throw misshapen(field, "an object of strings");
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((item) => typeof item === "string");
}

/** The entries of a batch. */
export function entries(input: JsonObject, field: string): readonly JsonObject[] {
  const value = input[field] ?? [];
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw misshapen(field, "a list of objects");
}

/** What a sender puts on a message besides its body. */
export function messageAttributes(input: JsonObject): MessageAttributes | undefined {
  const value = input.MessageAttributes;
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw misshapen("MessageAttributes", "an object");
  const attributes: Record<string, MessageAttribute> = {};
  for (const [name, attribute] of Object.entries(value)) {
    if (!isObject(attribute)) throw misshapen(`MessageAttributes.${name}`, "an object");
    attributes[name] = {
      dataType: optionalText(attribute, "DataType") ?? "",
      stringValue: optionalText(attribute, "StringValue"),
      binaryValue: optionalText(attribute, "BinaryValue"),
    };
  }
  return attributes;
}

function misshapen(field: string, wanted: string): QueueError {
  return new QueueError("InvalidArgumentException", `${field} must be ${wanted}.`);
}
