import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/sources.ts";

/** A Markdown document of the project, taken apart. */
export interface Document {
  /** Relative to the project's folder. */
  readonly path: string;
  readonly text: string;
  readonly headings: readonly { readonly level: number; readonly text: string }[];
  /** Fenced code blocks. */
  readonly blocks: readonly { readonly language: string; readonly code: string }[];
  /** Inline code, outside blocks. */
  readonly codes: readonly string[];
  /** Targets of links and images. */
  readonly links: readonly string[];
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** Every document that a user reads. */
export const DOCUMENTS: readonly Document[] = [
  "README.md",
  "README.ru.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
  ...["celery-push-worker", "console", "local-cloud", "provider-yandex"].map((name) =>
    join("packages", name, "README.md"),
  ),
  ...["django-celery", "django-postgres"].map((name) => join("examples", name, "README.md")),
].map(readDocument);

export function readDocument(path: string): Document {
  const text = readFileSync(join(ROOT, path), "utf8");
  const prose = text.replaceAll(FENCE, "");
  return {
    path,
    text,
    headings: [...prose.matchAll(/^(#+) (.+)$/gm)].map(([, marks = "", heading = ""]) => ({
      level: marks.length,
      text: heading,
    })),
    blocks: [...text.matchAll(FENCE)].map(([, language = "", code = ""]) => ({ language, code })),
    codes: [...prose.matchAll(/(?<!`)`([^`]+)`(?!`)/g)].map(([, code = ""]) =>
      code.replaceAll(/\s+/g, " ").replaceAll("\\|", "|"),
    ),
    links: [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target),
  };
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf({ headings }: Document): string[] {
  return headings.map(({ text }) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}
