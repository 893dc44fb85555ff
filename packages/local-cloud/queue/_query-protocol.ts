import { isObject, type JsonObject } from "../support/json.ts";
import type { QueueError } from "./errors.ts";

const NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/";

/** Actions whose response has nothing but the request's id. */
const VOID: ReadonlySet<string> = new Set([
  "ChangeMessageVisibility",
  "DeleteMessage",
  "DeleteQueue",
  "PurgeQueue",
  "SetQueueAttributes",
  "TagQueue",
  "UntagQueue",
]);

/** Lists of the JSON protocol by the names of their elements here. */
const LISTS: Readonly<Record<string, string>> = {
  AttributeName: "AttributeNames",
  MessageAttributeName: "MessageAttributeNames",
  MessageSystemAttributeName: "MessageSystemAttributeNames",
  TagKey: "TagKeys",
};
/** Maps, with the names of an element's two parts. */
const MAPS: Readonly<Record<string, readonly [field: string, key: string]>> = {
  Attribute: ["Attributes", "Name"],
  Tag: ["Tags", "Key"],
  MessageAttribute: ["MessageAttributes", "Name"],
};

interface Tree {
  [part: string]: string | Tree;
}

/** A form's fields in the shape of the JSON protocol: `Tag.1.Key=a&Tag.1.Value=b` is `Tags: { a: "b" }`. */
export function decodeForm(form: string): { readonly action: string; readonly input: JsonObject } {
  const tree: Tree = Object.create(null);
  for (const [key, value] of new URLSearchParams(form)) grow(tree, key.split("."), value);
  const { Action: action, ...fields } = tree;
  const input = shape(fields);
  // Here the cloud returns all of them, whatever was asked for.
  if (action === "ReceiveMessage") input.AttributeNames = ["All"];
  return { action: typeof action === "string" ? action : "", input };
}

function grow(tree: Tree, [part = "", ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    tree[part] = value;
    return;
  }
  const below = tree[part];
  const branch: Tree = typeof below === "object" ? below : Object.create(null);
  tree[part] = branch;
  grow(branch, rest, value);
}

function shape(tree: Tree): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(tree)) {
    const list = LISTS[name];
    const map = MAPS[name];
    if (list) input[list] = inOrder(value);
    else if (map) input[map[0]] = toMap(value, map[1]);
    else if (name.endsWith("RequestEntry")) {
      input.Entries = inOrder(value).map((entry) =>
        typeof entry === "object" ? shape(entry) : {},
      );
    } else if (value !== "") {
      // Old clients write an empty list, under whatever name, as an empty text.
      input[name] = value;
    }
  }
  return input;
}

function inOrder(tree: string | Tree): (string | Tree)[] {
  if (typeof tree === "string") return [];
  return Object.entries(tree)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, value]) => value);
}

function toMap(tree: string | Tree, key: string): Record<string, unknown> {
  const pairs = inOrder(tree).flatMap((item) =>
    typeof item === "object" && typeof item[key] === "string" ? [[item[key], item.Value]] : [],
  );
  return Object.fromEntries(pairs);
}

/** A response as the Query protocol's XML. */
export function encodeXml(action: string, output: JsonObject, requestId: string): string {
  const result = VOID.has(action)
    ? ""
    : element(`${action}Result`, renderFields(output, `${action}ResultEntry`));
  const metadata = element("ResponseMetadata", element("RequestId", requestId));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="${NAMESPACE}">${result}${metadata}</${action}Response>`;
}

/** An error as the Query protocol's XML. */
export function encodeXmlError(error: QueueError, requestId: string): string {
  const fields = [
    element("Type", error.status < 500 ? "Sender" : "Receiver"),
    element("Code", error.code),
    element("Message", escapeXml(error.message)),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse xmlns="${NAMESPACE}">${element("Error", fields.join(""))}${element("RequestId", requestId)}</ErrorResponse>`;
}

function renderFields(fields: JsonObject, entry: string): string {
  let xml = "";
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) xml += renderField(name, value, entry);
  }
  return xml;
}

function renderField(name: string, value: unknown, entry: string): string {
  const items = Array.isArray(value) ? value : [];
  const each = (tag: string) =>
    items.map((item) => element(tag, renderFields(item, entry))).join("");
  const pairs = (tag: string, key: string) =>
    Object.entries(isObject(value) ? value : {})
      .map(([k, item]) => element(tag, element(key, escapeXml(k)) + element("Value", render(item))))
      .join("");
  const render = (item: unknown) =>
    isObject(item) ? renderFields(item, entry) : escapeXml(String(item));
  switch (name) {
    case "QueueUrls":
    case "queueUrls":
      return items.map((url) => element("QueueUrl", escapeXml(String(url)))).join("");
    case "Attributes":
      return pairs("Attribute", "Name");
    case "Tags":
      return pairs("Tag", "Key");
    case "MessageAttributes":
      return pairs("MessageAttribute", "Name");
    case "Messages":
      return each("Message");
    case "Successful":
      return each(entry);
    case "Failed":
      return each("BatchResultErrorEntry");
    default:
      return element(name, escapeXml(String(value)));
  }
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  // A parser would turn it into a line feed.
  "\r": "&#xD;",
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"\r]/g, (character) => ESCAPES[character] ?? character);
}
