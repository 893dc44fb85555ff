import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { firstLine, READ_BYTES } from "../containers/first-line.ts";
import type { Invoke } from "../containers/invoke.ts";
import type { Report } from "../events/event.ts";
import type { GatewaySpec } from "../stack/blueprint.ts";
import { resourceId } from "../stack/local-ids.ts";
import { refusalOf } from "../support/guard.ts";
import { type Listening, listen } from "../support/listen.ts";
import { type Answer, type Call, gatewayAnswer } from "./_call.ts";
import { answerByContainer } from "./_container.ts";
import { answerPreflight, corsHeaders, isPreflight } from "./_cors.ts";
import { answerDummy } from "./_dummy.ts";
import { answerObject } from "./_object-storage.ts";
import { makeRouter, operationFor, type Router } from "./_router.ts";
import { readSpecification } from "./_specification.ts";

/** Of a request's and of a response's body: 2.5 MB. */
// https://yandex.cloud/en/docs/api-gateway/concepts/limits
const MAX_BODY_BYTES = 2_621_440;

export interface GatewayOptions {
  readonly gateway: GatewaySpec;
  readonly port: number;
  readonly invoke: Invoke;
  /** Folder with a folder for each bucket, whose files are its objects. */
  readonly buckets: string;
  readonly report: Report;
}

/** Serves what a gateway's specification says. What is not imitated in it is reported once. */
export async function startGateway(options: GatewayOptions): Promise<Listening> {
  const { gateway, port, report } = options;
  const specification = await readSpecification(gateway.spec, gateway.variables);
  for (const message of specification.missing) {
    report({ type: "refused", by: gateway.name, code: "NotImplemented", message });
  }
  const router = makeRouter(specification);
  return await listen((request, response) => {
    void new Exchange(options, request, response).run(router);
  }, port);
}

/** One request and its answer. */
class Exchange {
  private readonly options: GatewayOptions;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly deadline = new AbortController();
  private readonly started = performance.now();
  private tooLarge = false;

  constructor(options: GatewayOptions, request: IncomingMessage, response: ServerResponse) {
    this.options = options;
    this.request = request;
    this.response = response;
  }

  async run(router: Router): Promise<void> {
    const { request, response, options } = this;
    const milliseconds = options.gateway.timeoutSeconds * 1000;
    const timer = setTimeout(() => this.deadline.abort(), milliseconds);
    const answer = await this.inTime(this.answer(router)).catch((error: unknown) =>
      gatewayAnswer(502, error instanceof Error ? error.message : String(error)),
    );
    await this.send(this.tooLarge ? this.refuseSize("request", 413) : answer).catch((error) => {
      // The client has gone, or the answer has become too large or too late to end it properly.
      if (!response.headersSent) return this.send(gatewayAnswer(502, error.message));
      response.destroy();
      return undefined;
    });
    clearTimeout(timer);
    options.report({
      type: "request",
      gateway: options.gateway.name,
      method: request.method ?? "",
      path: request.url ?? "",
      status: response.statusCode,
      seconds: (performance.now() - this.started) / 1000,
    });
  }

  private async answer(router: Router): Promise<Answer> {
    const { request } = this;
    const foreign = refusalOf(request);
    if (foreign !== undefined) return gatewayAnswer(403, foreign);
    const route = router((request.url ?? "/").replace(/[?#].*$/s, ""));
    if (!route) return gatewayAnswer(404, "Not Found");
    const cors = route.operations[0]?.cors;
    if (cors && isPreflight(request)) return answerPreflight(cors, request);
    const operation = operationFor(route, request.method ?? "");
    if (!operation) return gatewayAnswer(405, "Method Not Allowed");
    const call = { request, operation, parameters: route.parameters };
    const answer = await this.integrate(call);
    return cors ? withHeaders(answer, corsHeaders(cors, request)) : answer;
  }

  private async integrate(call: Call): Promise<Answer> {
    const { gateway, invoke, buckets } = this.options;
    const { missing, integration } = call.operation;
    if (missing !== undefined) return gatewayAnswer(501, missing);
    if (Number(call.request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) {
      return this.refuseSize("request", 413);
    }
    if (integration.type === "dummy") return answerDummy(call);
    if (integration.type === "object_storage") return await answerObject(buckets, call);
    const gatewayId = resourceId("d5d", gateway.name);
    return await answerByContainer({ ...call, invoke, gatewayId, body: this.body() });
  }

  private body(): Readable | Buffer {
    const { headers } = this.request;
    const empty = headers["content-length"] === undefined && !headers["transfer-encoding"];
    if (empty) return Buffer.alloc(0);
    const limited = limit(() => {
      this.tooLarge = true;
    });
    this.request.on("error", (error) => limited.destroy(error));
    return this.request.pipe(limited);
  }

  /** What `work` comes to, or 504 once the gateway's time is over. */
  private inTime(work: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      this.deadline.signal.addEventListener("abort", () => {
        const message = `No answer within ${this.options.gateway.timeoutSeconds} seconds`;
        resolve(this.refuse(504, message, "Move what takes so long into a task"));
        work.then(discard, () => {});
      });
    });
  }

  private async send(answer: Answer): Promise<void> {
    const { request, response } = this;
    const { body } = answer;
    const declared = answer.headers.find(([name]) => name.toLowerCase() === "content-length");
    const length = body instanceof Readable ? Number(declared?.[1] ?? 0) : body.length;
    if (length > MAX_BODY_BYTES) {
      discard(answer);
      const begins =
        body instanceof Readable ? "" : firstLine(body.toString("utf8", 0, READ_BYTES));
      return await this.send(this.refuseSize("response", 502, `${answer.status} ${begins}`.trim()));
    }
    const counted = body instanceof Readable || body.length === 0 || declared;
    const headers = counted ? answer.headers : [...answer.headers, ["content-length", `${length}`]];
    response.writeHead(answer.status, headers.flat());
    if (request.method === "HEAD" || !(body instanceof Readable)) {
      discard(answer);
      response.end(body instanceof Readable ? undefined : body);
      return;
    }
    const limited = limit(() => this.refuseSize("response", 502));
    await pipeline(body, limited, response, { signal: this.deadline.signal });
  }

  private refuseSize(what: "request" | "response", status: 413 | 502, begins = ""): Answer {
    const quoted = begins === "" ? "" : ` (${begins})`;
    const message = `The ${what}${quoted} is larger than 2.5 MB`;
    const fix = "Let large files go to a bucket and come from there, without the gateway";
    return this.refuse(status, message, fix);
  }

  private refuse(status: number, message: string, fix: string): Answer {
    const { gateway, report } = this.options;
    const { method, url } = this.request;
    const what = `${method} ${url}: ${message}`;
    report({ type: "refused", by: gateway.name, code: String(status), message: what, fix });
    return gatewayAnswer(status, message);
  }
}

/** Passes on what comes, until it is too much. */
function limit(exceeded: () => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) return done(null, chunk);
      exceeded();
      done(new Error("larger than 2.5 MB"));
    },
  });
}

function discard({ body }: Answer): void {
  if (body instanceof Readable) body.on("error", () => {}).destroy();
}

/** `headers` in place of those of the same name. */
function withHeaders(answer: Answer, headers: Answer["headers"]): Answer {
  const names = new Set(headers.map(([name]) => name));
  const kept = answer.headers.filter(([name]) => !names.has(name.toLowerCase()));
  return { ...answer, headers: [...kept, ...headers] };
}
