import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Slots } from "../../../packages/local-cloud/containers/_slots.ts";
import { sampled } from "../../support/sample.ts";

const never = new AbortController().signal;

describe("Slots", () => {
  test("are given in order, never more than there are", async () => {
    const steps = fc.array(fc.constantFrom("take", "leave", "give up"), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (size, program) => {
        const slots = new Slots(size);
        const inside: (() => void)[] = [];
        const order: number[] = [];
        const patience: AbortController[] = [];
        for (const [index, step] of program.entries()) {
          if (step === "leave") inside.shift()?.();
          if (step === "give up") patience.shift()?.abort();
          if (step === "take") {
            const controller = new AbortController();
            patience.push(controller);
            void slots.take(controller.signal).then((leave) => {
              if (leave === undefined) return;
              order.push(index);
              inside.push(leave);
            });
          }
          await Promise.resolve();
          await new Promise(setImmediate);
          expect(inside.length).toBeLessThanOrEqual(size);
          expect(slots.free).toBeLessThanOrEqual(size - inside.length);
        }
        expect(order).toEqual([...order].sort((one, other) => one - other));
      }),
      { numRuns: sampled("random orders of requests", 100, 2_000) },
    );
  });

  test("are not lost by those who give up", async () => {
    const slots = new Slots(1);
    const leave = await slots.take(never);
    const impatient = new AbortController();
    const waiting = slots.take(impatient.signal);
    const patient = slots.take(never);

    impatient.abort();
    leave?.();

    expect(await waiting).toBeUndefined();
    (await patient)?.();
    expect(slots.free).toBe(1);
  });
});
