import { describe, expect, test } from "vitest";
import type { ContainerRequest } from "../../../packages/local-cloud/containers/invoke.ts";
import type { Happening } from "../../../packages/local-cloud/events/event.ts";
import type { TimerSpec } from "../../../packages/local-cloud/stack/blueprint.ts";
import { Timers } from "../../../packages/local-cloud/trigger/timers.ts";
import { settle } from "./_world.ts";

const FROM = Date.UTC(2026, 10, 24, 12, 30, 15);
const MINUTE = 60_000;

const SPEC: TimerSpec = {
  name: "shop-nightly",
  cron: "0/5 * * * ? *",
  payload: '{"task":"a"}',
  container: "shop-worker",
  path: "/",
};

/** Time that stands still until it is turned. */
class TurnedClock {
  private time = FROM;
  private timers: { at: number; act: () => void }[] = [];

  now() {
    return this.time;
  }

  setTimer(at: number, act: () => void) {
    const timer = { at, act };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Lets everything happen up to a time. */
  async turn(to: number) {
    for (;;) {
      const [next] = this.timers.filter(({ at }) => at <= to).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.timers = this.timers.filter((other) => other !== next);
      this.time = Math.max(this.time, next.at);
      next.act();
      await settle();
    }
    this.time = to;
  }

  /** The machine slept: timers come late. */
  sleep(milliseconds: number) {
    this.time += milliseconds;
  }
}

function makeTimers(spec: Partial<TimerSpec> = {}, statuses: number[] = []) {
  const clock = new TurnedClock();
  const calls: { at: number; container: string; request: ContainerRequest }[] = [];
  const happenings: Happening[] = [];
  const timers = new Timers({
    specs: [{ ...SPEC, ...spec }],
    clock,
    report: (happening) => happenings.push(happening),
    invoke: async (container, request) => {
      calls.push({ at: clock.now() - FROM, container, request });
      return { status: statuses.shift() ?? 200, headers: [], body: Buffer.alloc(0) };
    },
  });
  return { timers, clock, calls, happenings };
}

describe("Timers", () => {
  test("fire at the times of their expression, from the start on", async () => {
    const { timers, clock, calls, happenings } = makeTimers();
    await clock.turn(FROM + MINUTE);
    timers.start();

    await clock.turn(FROM + 15 * MINUTE);

    expect(calls.map(({ at }) => at / 1000)).toEqual([285, 585, 885]);
    expect(happenings[0]).toEqual({
      type: "timer",
      timer: "shop-nightly",
      status: 200,
      byHand: false,
    });
  });

  test("POST their payload in the cloud's event", async () => {
    const { timers, calls } = makeTimers();

    expect(await timers.fire("shop-nightly")).toBe(200);

    expect(calls[0]?.container).toBe("shop-worker");
    expect(calls[0]?.request).toMatchObject({ method: "POST", path: "/" });
    expect(JSON.parse(String(calls[0]?.request.body))).toEqual({
      messages: [
        {
          event_metadata: {
            event_id: expect.any(String),
            event_type: "yandex.cloud.events.serverless.triggers.TimerMessage",
            created_at: "2026-11-24T12:30:15.000000Z",
            cloud_id: expect.stringMatching(/^b1g/),
            folder_id: expect.stringMatching(/^b1g/),
          },
          details: { trigger_id: expect.stringMatching(/^a1s\w{17}$/), payload: '{"task":"a"}' },
        },
      ],
    });
  });

  test("fire by hand, and say so", async () => {
    const { timers, happenings } = makeTimers({}, [500]);

    expect(await timers.fire("shop-nightly")).toBe(500);
    expect(happenings).toEqual([
      { type: "timer", timer: "shop-nightly", status: 500, byHand: true },
    ]);
  });

  test("do not try again", async () => {
    const { timers, clock, calls } = makeTimers({}, [500, 200]);
    const fired = timers.fire("shop-nightly");
    await settle();
    await clock.turn(FROM + MINUTE);

    expect(await fired).toBe(500);
    expect(calls).toHaveLength(1);
  });

  test("leave out what a sleeping machine has missed, and go on", async () => {
    const { timers, clock, calls } = makeTimers({ cron: "0 * * * ? *" });
    timers.start();
    clock.sleep(3 * 3_600_000);

    await clock.turn(FROM + 4 * 3_600_000);

    expect(calls.map(({ at }) => Math.round(at / MINUTE))).toEqual([210]);
  });

  test("reach far beyond what a timer of the machine can wait", async () => {
    const { timers, clock, calls } = makeTimers({ cron: "0 0 1 2 ? *" });
    timers.start();

    await clock.turn(Date.UTC(2027, 1, 2));

    expect(calls.map(({ at }) => new Date(at + FROM).toISOString())).toEqual([
      "2027-02-01T00:00:00.000Z",
    ]);
  });

  test("fire no more once they are stopped", async () => {
    const { timers, clock, calls } = makeTimers();
    timers.start();
    timers.stop();

    await clock.turn(FROM + 60 * MINUTE);

    expect(calls).toEqual([]);
  });

  test("tell when they fire next", () => {
    const { timers } = makeTimers({ cron: "0 9 1 1 ? 2098,2099" });

    expect(timers.next("shop-nightly", 3).map((date) => date.toISOString())).toEqual([
      "2098-01-01T09:00:00.000Z",
      "2099-01-01T09:00:00.000Z",
    ]);
  });

  test("fails when there is no such timer, and names those there are", () => {
    const { timers } = makeTimers();

    expect(() => timers.next("other", 1)).toThrow(
      "Timer other is not in the stack (known: shop-nightly)",
    );
    expect(() => timers.fire("other")).toThrow("shop-nightly");
  });
});
