import { type IncomingHttpHeaders, type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Exchange } from "./_exchange.ts";

// Clients of a queue send one kind of request, thousands a second: a POST whose length is known, over
// a connection that stays. Reading just that takes a third of the time of a whole HTTP server. At
// anything else the connection is handed to node:http, with whatever came so far.

const HEAD_END = "\r\n\r\n";
const MAX_HEAD_BYTES = 16_384;
const REQUEST_LINE = /^POST (\/[\x21-\x7E]*) HTTP\/1\.1$/;
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x20-\x7E\t]*)$/;
const LENGTH = /^\d{1,9}$/;
/** Headers that ask for more than an answer. */
const UNUSUAL = ["transfer-encoding", "expect", "upgrade", "content-encoding"] as const;

interface Head {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Where the body begins and ends. */
  readonly start: number;
  readonly end: number;
}

export interface QuickOptions {
  readonly maxBodyBytes: number;
  readonly handle: (exchange: Exchange) => void;
}

/** Reads a server's connections for as long as their requests are of the usual kind; gives them all. */
export function readQuickly(server: Server, options: QuickOptions): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  const [read] = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    new QuickConnection(socket, options, () => read?.call(server, socket)).start();
  });
  return sockets;
}

class QuickConnection {
  private readonly socket: Socket;
  private readonly options: QuickOptions;
  private readonly takeOver: () => void;
  private received: Buffer = Buffer.alloc(0);
  private isAnswering = false;
  private gone: (() => void) | undefined;

  constructor(socket: Socket, options: QuickOptions, takeOver: () => void) {
    this.socket = socket;
    this.options = options;
    this.takeOver = takeOver;
  }

  start(): void {
    this.socket.on("data", this.onData).on("end", this.onEnd);
    this.socket.on("error", this.onEnd).on("close", this.onClose);
  }

  private readonly onData = (chunk: Buffer): void => {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    if (!this.isAnswering) this.read();
  };

  private readonly onEnd = (): void => {
    this.socket.end();
  };

  private readonly onClose = (): void => {
    this.gone?.();
  };

  private read(): void {
    const { received } = this;
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0 && received.length < MAX_HEAD_BYTES) return;
    const head = readHead(received, headEnd);
    if (head === undefined || head.end - head.start > this.options.maxBodyBytes) {
      this.handOver();
    } else if (received.length >= head.end) {
      this.handle(head, received);
    }
  }

  private handle({ path, headers, start, end }: Head, received: Buffer): void {
    this.received = received.subarray(end);
    this.isAnswering = true;
    const { answer, onGone } = this;
    const body = received.toString("utf8", start, end);
    this.options.handle({ path, headers, body, answer, onGone });
  }

  private readonly answer: Exchange["answer"] = (status, headers, body) => {
    this.gone = undefined;
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    const length = Buffer.byteLength(body);
    this.socket.write(`${head}Date: ${dateNow()}\r\nContent-Length: ${length}\r\n\r\n${body}`);
    this.isAnswering = false;
    // The next request may be here already; not at once, for there may be a thousand.
    if (this.received.length > 0) setImmediate(this.onMore);
  };

  private readonly onMore = (): void => {
    if (!this.isAnswering && this.received.length > 0) this.read();
  };

  private readonly onGone: Exchange["onGone"] = (act) => {
    this.gone = act;
  };

  private handOver(): void {
    const { socket } = this;
    socket.off("data", this.onData).off("end", this.onEnd);
    socket.off("error", this.onEnd).off("close", this.onClose);
    socket.unshift(this.received);
    this.takeOver();
  }
}

/** The head of a request of the usual kind; `undefined` for any other. */
function readHead(received: Buffer, headEnd: number): Head | undefined {
  if (headEnd < 0) return undefined;
  const lines = received.toString("latin1", 0, headEnd).split("\r\n");
  const path = REQUEST_LINE.exec(lines[0] ?? "")?.[1];
  const headers = path === undefined ? undefined : readHeaders(lines);
  if (path === undefined || headers === undefined) return undefined;
  const { "content-length": length = "", connection = "keep-alive" } = headers;
  if (!LENGTH.test(length) || connection.toLowerCase() !== "keep-alive") return undefined;
  if (UNUSUAL.some((name) => name in headers)) return undefined;
  const start = headEnd + HEAD_END.length;
  return { path, headers, start, end: start + Number(length) };
}

function readHeaders(lines: readonly string[]): IncomingHttpHeaders | undefined {
  const headers: IncomingHttpHeaders = Object.create(null);
  for (let index = 1; index < lines.length; index++) {
    const match = HEADER.exec(lines[index] ?? "");
    const name = match?.[1]?.toLowerCase();
    // Twice the same header is for somebody who knows which to believe.
    if (match === null || name === undefined || name in headers) return undefined;
    headers[name] = match[2];
  }
  return headers;
}

let dateText = "";
let dateSecond = 0;

/** Now, as headers have it; made once a second. */
function dateNow(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}
