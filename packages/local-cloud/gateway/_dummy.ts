import { asObject } from "./_gateway-document.ts";
import {
  type GatewayResponse,
  gatewayAnswer,
  type RoutedRequest,
  substitute,
} from "./_integration.ts";

/**
 * A fixed answer.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/dummy
 */
export function answerDummy(routed: RoutedRequest): GatewayResponse {
  const { http_code: code, http_headers: headers, content } = routed.operation.integration;
  const contents = asObject(content);
  const type = chooseType(Object.keys(contents), routed.request.headers.accept);
  if (type === undefined && Object.keys(contents).length > 0) {
    return gatewayAnswer(415, "Media not supported");
  }
  const fixed = Object.entries(asObject(headers)).map(
    ([name, value]) => [name, String(value)] as const,
  );
  const typed = fixed.some(([name]) => name.toLowerCase() === "content-type");
  return {
    status: Number(code),
    headers: [
      ...fixed,
      ...(typed || type === undefined || type === "*" ? [] : [["content-type", type] as const]),
    ],
    body: Buffer.from(type === undefined ? "" : substitute(String(contents[type]), routed)),
  };
}

/** The offered type that the client likes best, or `*` if none is liked. */
function chooseType(offered: readonly string[], accept: string | undefined): string | undefined {
  if (accept === undefined) return offered[0];
  const liked = accept
    .split(",")
    .map((range) => {
      const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
      const quality = parameters.find((part) => part.startsWith("q="))?.slice(2);
      return { type, quality: Number(quality ?? 1) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  for (const { type } of liked) {
    const found = offered.find((offer) => offer !== "*" && covers(type, offer));
    if (found !== undefined) return found;
  }
  return offered.find((offer) => offer === "*");
}

function covers(range: string, type: string): boolean {
  return (
    range === "*/*" ||
    range === type ||
    (range.endsWith("/*") && type.startsWith(range.slice(0, -1)))
  );
}
