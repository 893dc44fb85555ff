import type { IncomingMessage, ServerResponse } from "node:http";
import type { Invoke } from "../containers/invoke.ts";
import type { Report } from "../events/event.ts";
import type { GatewaySpec } from "../stack/blueprint.ts";
import { resourceId } from "../stack/local-ids.ts";
import { firstLine, READ_BYTES } from "../support/first-line.ts";
import { refusalOf } from "../support/guard.ts";
import { type Listening, listen } from "../support/listen.ts";
import { readBody } from "../support/read-body.ts";
import { answerPreflight, isPreflight, withCors } from "./_cors.ts";
import { answerDummy } from "./_dummy.ts";
import { readGatewayDocument } from "./_gateway-document.ts";
import {
  type GatewayResponse,
  gatewayAnswer,
  MAX_BODY_BYTES,
  type RoutedRequest,
} from "./_integration.ts";
import { answerObject } from "./_object-storage.ts";
import { makeRouter, operationFor, type Router } from "./_router.ts";
import { answerByContainer } from "./_serverless-container.ts";

/** One gateway of the stack, and what stands behind it. */
export interface GatewayOptions {
  readonly gateway: GatewaySpec;
  /** The port to try first, 0 for any. */
  readonly port: number;
  readonly invoke: Invoke;
  /** Folder with a folder for each bucket, whose files are its objects. */
  readonly buckets: string;
  readonly report: Report;
}

/** Serves a gateway's OpenAPI document. What is not emulated in it is reported once, at the start. */
export async function startGateway(options: GatewayOptions): Promise<Listening> {
  const { gateway, port, report } = options;
  const document = await readGatewayDocument(gateway.spec);
  for (const message of document.missing) {
    report({ type: "refused", by: gateway.name, code: "NotImplemented", message });
  }
  const router = makeRouter(document);
  return await listen((request, response) => {
    void new GatewayExchange(options, request, response).run(router);
  }, port);
}

/** One request and its answer. */
class GatewayExchange {
  private readonly options: GatewayOptions;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly started = performance.now();

  constructor(options: GatewayOptions, request: IncomingMessage, response: ServerResponse) {
    this.options = options;
    this.request = request;
    this.response = response;
  }

  async run(router: Router): Promise<void> {
    const { request, response, options } = this;
    try {
      this.send(await this.inTime(this.answer(router)));
    } catch (error) {
      this.send(gatewayAnswer(502, error instanceof Error ? error.message : String(error)));
    }
    options.report({
      type: "request",
      gateway: options.gateway.name,
      method: request.method ?? "",
      path: request.url ?? "",
      status: response.statusCode,
      seconds: (performance.now() - this.started) / 1000,
    });
  }

  private async answer(router: Router): Promise<GatewayResponse> {
    const { request } = this;
    const foreign = refusalOf(request);
    if (foreign !== undefined) return gatewayAnswer(403, foreign);
    const route = router((request.url ?? "/").replace(/[?#].*$/s, ""));
    if (!route) return gatewayAnswer(404, "Not Found");
    const cors = route.operations[0]?.cors;
    if (cors && isPreflight(request)) return answerPreflight(cors, request);
    const operation = operationFor(route, request.method ?? "");
    if (!operation) return gatewayAnswer(405, "Method Not Allowed");
    const answer = await this.integrate({ request, operation, parameters: route.parameters });
    return cors ? withCors(answer, cors, request) : answer;
  }

  private async integrate(routed: RoutedRequest): Promise<GatewayResponse> {
    const { gateway, invoke, buckets } = this.options;
    const { missing, integration } = routed.operation;
    if (missing !== undefined) return gatewayAnswer(501, missing);
    const body = await readBody(this.request, MAX_BODY_BYTES);
    if (body.length > MAX_BODY_BYTES) return this.refuseSize("request", 413);
    if (integration.type === "dummy") return answerDummy(routed);
    if (integration.type === "object_storage") return await answerObject(buckets, routed);
    const gatewayId = resourceId("d5d", gateway.name);
    return await answerByContainer({ ...routed, invoke, gatewayId, body });
  }

  /** What `work` comes to, or 504 once the gateway's time is over. */
  private inTime(work: Promise<GatewayResponse>): Promise<GatewayResponse> {
    const { timeoutSeconds } = this.options.gateway;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const message = `No answer within ${timeoutSeconds} seconds`;
        resolve(this.refuse(504, message, "Move long work into a task"));
      }, timeoutSeconds * 1000);
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  private send(answer: GatewayResponse): void {
    const { request, response } = this;
    const { status, body } = answer;
    if (body.length > MAX_BODY_BYTES) {
      const begins = firstLine(body.toString("utf8", 0, READ_BYTES));
      this.send(this.refuseSize("response", 502, `${status} ${begins}`.trim()));
      return;
    }
    const counted =
      body.length === 0 || answer.headers.some(([name]) => /^content-length$/i.test(name));
    const length = counted ? [] : [["content-length", String(body.length)]];
    response.writeHead(status, [...answer.headers, ...length].flat());
    response.end(request.method === "HEAD" ? undefined : body);
  }

  private refuseSize(
    what: "request" | "response",
    status: 413 | 502,
    begins = "",
  ): GatewayResponse {
    const quoted = begins === "" ? "" : ` (${begins})`;
    const message = `The ${what}${quoted} is larger than 2.5 MB`;
    const fix = "Upload and serve large files through a bucket, without the gateway";
    return this.refuse(status, message, fix);
  }

  private refuse(status: number, message: string, fix: string): GatewayResponse {
    const { gateway, report } = this.options;
    const { method, url } = this.request;
    const what = `${method} ${url}: ${message}`;
    report({ type: "refused", by: gateway.name, code: String(status), message: what, fix });
    return gatewayAnswer(status, message);
  }
}
