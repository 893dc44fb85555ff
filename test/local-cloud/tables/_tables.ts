import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Happening } from "../../../packages/local-cloud/events/event.ts";
import type { Clock } from "../../../packages/local-cloud/support/clock.ts";
import { startTables } from "../../../packages/local-cloud/tables/server.ts";

/** A server, a client of it, and what it has reported. All end with `await using`. */
export async function openTables({ directory }: { directory?: string } = {}) {
  const reported: Happening[] = [];
  const clock = new ManualClock();
  const server = await startTables({
    table: "celery",
    port: 0,
    directory,
    clock,
    report: (happening) => reported.push(happening),
  });
  const client = clientOf(`${server.url}/ru-central1/b1g000/etn000`);
  return {
    url: server.url,
    client,
    clock,
    reported,
    async close() {
      client.destroy();
      await server.close();
    },
  };
}

export function clientOf(endpoint: string, accessKeyId = "key"): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: "ru-central1",
    credentials: { accessKeyId, secretAccessKey: "secret" },
    maxAttempts: 1,
  });
}

/** Time that stands still until it is turned. */
export class ManualClock implements Clock {
  private time = Date.UTC(2030, 0, 1);
  private timers: { at: number; act: () => void }[] = [];

  now(): number {
    return this.time;
  }

  setTimer(at: number, act: () => void): () => void {
    const timer = { at, act };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Calls what is due. */
  turn(seconds: number): void {
    this.time += seconds * 1000;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter((timer) => !due.includes(timer));
    for (const { act } of due) act();
  }
}
