import { createServer, type RequestListener, type Server } from "node:http";

/** The loopback address: nobody else in the network can reach what runs here. */
const HOST = "127.0.0.1";
const TRIES = 20;
const LAST_PORT = 65_535;
// Clients keep connections for a minute. Who closes first loses requests that are under way.
const KEEP_ALIVE_MS = 75_000;

/** A server that listens. */
export interface Listening {
  readonly port: number;
  /** `http://localhost:PORT`, without a slash at the end. */
  readonly url: string;
  /** Accepts no more requests and ends those that are under way. */
  close(): Promise<void>;
}

/**
 * Serves HTTP on the loopback address, on `port` or, where that is taken, on one of the 19 after it.
 * 0 is any free port.
 */
export async function listen(handler: RequestListener, port: number): Promise<Listening> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handler);
  const last = port === 0 ? 0 : Math.min(port + TRIES - 1, LAST_PORT);
  for (let candidate = port; candidate <= last; candidate++) {
    if (await tryPort(server, candidate)) return describe(server);
  }
  throw new Error(
    `Ports ${port} to ${last} are all in use. Stop what is listening there, or choose another port.`,
  );
}

function describe(server: Server): Listening {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
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
