import type { Readable } from "node:stream";

/**
 * The body of a request or of an answer; of one that is longer than `maxBytes` only so much that this
 * shows. Reads to the end in any case: a client that is answered while it sends sees its connection break.
 *
 * @throws Error when the other side leaves before the end
 */
export function readBody(body: Readable, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    body.on("data", (chunk: Buffer) => {
      if (size <= maxBytes) chunks.push(chunk);
      size += chunk.length;
    });
    body.once("end", () => resolve(Buffer.concat(chunks)));
    body.once("error", reject);
  });
}
