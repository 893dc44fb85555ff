import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import { TOKEN, TOKEN_HEADER } from "./_token.ts";

const PROBE_EVERY_MS = 25;

/** One request to a connection: gunicorn's workers keep none open, or close it when they like. */
export const agent = new Agent({ pipelining: 0, headersTimeout: 0, bodyTimeout: 0 });

/**
 * Waits until a container answers: its port is open, and at `healthPath`, where there is one, it
 * answers with less than 500. Gives false once `signal` is aborted.
 */
export async function waitUntilReady(
  port: number,
  healthPath: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const ready =
      (await isOpen(port)) &&
      (healthPath === undefined || (await isHealthy(port, healthPath, signal)));
    if (ready) return true;
    await sleep(PROBE_EVERY_MS);
  }
  return false;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

// A server that still imports the project answers when it has done so.
async function isHealthy(port: number, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const headers = { [TOKEN_HEADER]: TOKEN };
    const url = `http://127.0.0.1:${port}${path}`;
    const answer = await request(url, { dispatcher: agent, headers, signal });
    await answer.body.dump();
    return answer.statusCode < 500;
  } catch {
    return false;
  }
}
