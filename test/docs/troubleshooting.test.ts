import { expect, test } from "vitest";
import { readDocument } from "./_documents.ts";
import { readSources } from "./_sources.ts";

const SOURCES = [
  "constructs",
  "stacks",
  "scripts",
  "packages/local-cloud",
  "packages/task-history",
  "packages/celery-push-worker/src",
];
const { text: PAGE } = readDocument("docs/troubleshooting.md");
const [, OURS = ""] = /## Messages of this project\n([\s\S]*?)\n## /.exec(PAGE) ?? [];
const MESSAGES = [...OURS.matchAll(/^\| `([^`]+)`/gm)].map(([, message = ""]) => message);
const CODE = SOURCES.flatMap((folder) => readSources(folder)).map(joinTexts);

test("there are messages to look for", () => expect(MESSAGES.length).toBeGreaterThan(15));

test.each(MESSAGES)("`%s` is what the code says", (message) => {
  const parts = message.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // A value, which may be an expression with quotes of its own.
  const pattern = new RegExp(parts.join(".{1,80}?"));

  expect(CODE.some((text) => pattern.test(text))).toBe(true);
});

/** Joins what stands on two lines of the source: `"a " +\n  "b"`, and in Python `"a "\n  f"b"`. */
function joinTexts(text: string): string {
  return text
    .replaceAll(/["'`]\s*\+\s*["'`]/g, "")
    .replaceAll(/"\s*\n\s*f?"/g, "")
    .replaceAll('\\"', '"');
}
