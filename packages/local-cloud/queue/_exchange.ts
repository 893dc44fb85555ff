import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

/** One request and its answer, whoever has read the request. */
export interface Exchange {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** @param headers names and values, all ASCII; lengths and the like are added */
  answer(status: number, headers: Readonly<Record<string, string>>, body: string): void;
  /** Calls `act` when the client has gone before the answer. */
  onGone(act: () => void): void;
}

/** A request that node:http has read. */
export class NodeExchange implements Exchange {
  readonly body: string;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse, body: string) {
    this.request = request;
    this.response = response;
    this.body = body;
  }

  get path(): string {
    return this.request.url ?? "/";
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body: string): void {
    this.response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) });
    this.response.end(body);
  }

  onGone(act: () => void): void {
    this.response.once("close", act);
  }
}
