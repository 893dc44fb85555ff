import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import { formatListener, isExposed, type Listener, listenersOf } from "./_listening.ts";
import { TOKEN, TOKEN_HEADER } from "./_token.ts";

const PROBE_EVERY_MS = 25;
const LOOK_EVERY_MS = 1000;
const FORBIDDEN = 403;

/** One request to a connection: gunicorn's workers keep none open, or close it when they like. */
export const agent = new Agent({ pipelining: 0, headersTimeout: 0, bodyTimeout: 0 });

/** A container that has just been started. */
export interface Started {
  readonly pid: number;
  readonly port: number;
  /** Answers below 500 once the container is ready; without it any answer is enough. */
  readonly healthPath?: string | undefined;
}

/** How the wait ended. */
export type Readiness =
  /** `guarded`: a request without the token is rejected. */
  | { readonly is: "ready"; readonly guarded: boolean }
  | { readonly is: "exposed"; readonly listener: Listener }
  | { readonly is: "over" };

/**
 * Waits until a container's application answers: an open port says little, since gunicorn listens
 * before it imports the project. It is over once `signal` is aborted.
 */
export async function waitUntilReady(started: Started, signal: AbortSignal): Promise<Readiness> {
  let lastLook = Date.now();
  while (!signal.aborted) {
    const open = await isOpen(started.port);
    if (open || Date.now() - lastLook > LOOK_EVERY_MS) {
      lastLook = Date.now();
      const listeners = await listenersOf(started.pid, started.port);
      const listener = listeners.find(isExposed);
      if (listener !== undefined) return { is: "exposed", listener };
    }
    if (open && (await isHealthy(started, signal))) {
      return { is: "ready", guarded: await isGuarded(started, signal) };
    }
    await sleep(PROBE_EVERY_MS);
  }
  return { is: "over" };
}

/** What is wrong with a container that others than this machine can reach, and the way out. */
export function describeExposure(listener: Listener): string {
  return `It listens on ${formatListener(listener)}, which the whole network can reach. Make the command in config.ts take the host from LISTEN_HOST, which is set only here (in a shell: \${LISTEN_HOST:-0.0.0.0}), or leave the address to our gunicorn settings`;
}

/** Why a container is not ready that runs. */
export async function describeSilence({ pid, port, healthPath }: Started): Promise<string> {
  const listeners = await listenersOf(pid, port);
  if (listeners.some((listener) => listener.port === port)) {
    const what =
      healthPath === undefined
        ? "it answers no request"
        : `${healthPath} does not report it healthy`;
    return `It listens on PORT (${port}), but ${what}`;
  }
  const others = listeners.map(formatListener).join(", ");
  const where = others === "" ? "" : `, but something on ${others}`;
  return `Nothing listens on PORT (${port})${where}`;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

// Without a path any answer does: a server that still imports the project gives none.
async function isHealthy({ port, healthPath }: Started, signal: AbortSignal): Promise<boolean> {
  if (healthPath === undefined) return (await ask(port, "/", {}, signal)) !== undefined;
  const status = await ask(port, healthPath, { [TOKEN_HEADER]: TOKEN }, signal);
  return status !== undefined && status < 500;
}

async function isGuarded({ port, healthPath = "/" }: Started, signal: AbortSignal) {
  return (await ask(port, healthPath, {}, signal)) === FORBIDDEN;
}

async function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const origin = `http://127.0.0.1:${port}`;
    const answer = await agent.request({ origin, path, method: "GET", headers, signal });
    await answer.body.dump();
    return answer.statusCode;
  } catch {
    return undefined;
  }
}
