import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The loopback address: nobody else in the network can reach what runs here. */
const HOST = "127.0.0.1";
const TRIES = 20;
const LAST_PORT = 65_535;
// Clients keep connections for a minute. Who closes first loses requests that are under way.
const KEEP_ALIVE_MS = 75_000;

export interface Listening {
  readonly port: number;
  /** `http://localhost:PORT`, without a slash at the end. */
  readonly url: string;
  /** Takes no more requests and ends those that are under way. */
  close(): Promise<void>;
}

/**
 * Serves HTTP on the loopback address, on `port` or, where that is taken, on one of the 19 after it.
 * 0 is any free port.
 */
export function listen(handler: RequestListener, port: number): Promise<Listening> {
  return listenWith(makeServer(handler), port);
}

/** A server that waits for requests longer than any client does. */
export function makeServer(handler: RequestListener): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handler);
}

/** The same as {@link listen}, for a server that was changed since it was made. */
export async function listenWith(server: Server, port: number): Promise<Listening> {
  const last = port === 0 ? 0 : Math.min(port + TRIES - 1, LAST_PORT);
  for (let candidate = port; candidate <= last; candidate++) {
    if (await tryPort(server, candidate)) return describe(server);
  }
  throw new Error(
    `The ports ${port} to ${last} are all taken. Stop what listens there, or choose another port.`,
  );
}

function describe(server: Server): Listening {
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://localhost:${port}`, close: () => close(server) };
}

function tryPort(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const listening = () => {
      server.off("error", failed);
      resolve(true);
    };
    const failed = (error: NodeJS.ErrnoException) => {
      server.off("listening", listening);
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(false);
      else reject(error);
    };
    server.once("error", failed).once("listening", listening).listen(port, HOST);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
