import type { Readable } from "node:stream";

/** As much of an answer is looked at. */
export const READ_BYTES = 16 * 1024;
const WIDTH = 200;
// Of an answer that comes slowly: whoever waits for the whole has waited long enough.
const PATIENCE_MS = 1000;

/** The first line of an answer that says something: of a page, its title. */
export function firstLine(content: string): string {
  const [, title] = /<title[^>]*>([^<]*)/i.exec(content) ?? [];
  const text = title?.trim()
    ? title
    : content.replaceAll(/<(style|script)\b.*?<\/\1>|<[^>]*>/gis, "");
  const line = text
    .split(/[\r\n]+/)
    .map((one) => one.trim())
    .find((one) => one !== "");
  return (line ?? "").slice(0, WIDTH);
}

/** The same of an answer that is still coming. No more of it is read than that takes. */
export async function firstLineOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => body.destroy(), PATIENCE_MS);
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= READ_BYTES) break;
    }
  } catch {
    // It broke off: what has arrived is all there is.
  } finally {
    clearTimeout(timer);
  }
  return firstLine(Buffer.concat(chunks).toString());
}
