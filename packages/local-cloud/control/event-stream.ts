import type { ServerResponse } from "node:http";
import type { CloudEvent } from "../events/event.ts";
import type { EventStore } from "../events/store.ts";
import { formatJson } from "../support/json.ts";

const GATHER_MS = 50;
const PING_MS = 15_000;
/** A reader that is so far behind is cut off; it can come back and go on where it was. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * Answers with all events as server-sent events, without an end: first those that are kept, or those
 * after the one that the reader has seen last. What happens within 50 ms is sent together. An event
 * named `ping` comes every 15 seconds.
 *
 * @param run tells this run of the local cloud from others, whose numbers mean nothing here
 * @param lastId header `Last-Event-ID` of the request
 */
export function streamEvents(
  response: ServerResponse,
  events: EventStore,
  run: string,
  lastId: string | undefined,
): void {
  let waiting: CloudEvent[] = [...events.since(sequenceOf(lastId, run))];
  let timer: NodeJS.Timeout | undefined;
  const send = () => {
    timer = undefined;
    response.write(waiting.map((event) => formatEvent(event, run)).join(""));
    waiting = [];
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
  };
  const unsubscribe = events.subscribe((event) => {
    waiting.push(event);
    timer ??= setTimeout(send, GATHER_MS);
  });
  const pinging = setInterval(() => response.write("event: ping\ndata: {}\n\n"), PING_MS);
  response.on("close", () => {
    unsubscribe();
    clearInterval(pinging);
    clearTimeout(timer);
  });
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.flushHeaders();
  send();
}

function formatEvent(event: CloudEvent, run: string): string {
  return `id: ${run}.${event.sequence}\ndata: ${formatJson(event)}\n\n`;
}

function sequenceOf(id: string | undefined, run: string): number {
  const [of, sequence] = id?.split(".") ?? [];
  return of === run ? Number(sequence) || 0 : 0;
}
