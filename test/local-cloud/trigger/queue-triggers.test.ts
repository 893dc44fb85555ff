import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readVerdicts } from "../../../packages/local-cloud/trigger/_verdicts.ts";
import { settle, startTrigger } from "./_world.ts";

describe("QueueTriggers", () => {
  test("POSTs a message in the cloud's event", async () => {
    const { queues, nextCall, happenings } = startTrigger();
    const { messageId, md5, md5OfAttributes } = queues.send("shop-tasks", {
      body: "message body",
      attributes: {
        colour: { dataType: "String", stringValue: "red" },
        bytes: { dataType: "Binary", binaryValue: "AAE=" },
      },
    });

    const { container, request } = await nextCall();
    const { messages } = JSON.parse(String(request.body));

    expect(container).toBe("shop-worker");
    expect(request).toMatchObject({ method: "POST", path: "/work" });
    expect(request.message).toEqual({ messageId });
    expect(Object.fromEntries(request.headers)).toMatchObject({
      "content-type": "application/json",
      host: expect.stringMatching(/^bba\w{17}\.containers\.yandexcloud\.net$/),
    });
    expect(messages).toEqual([
      {
        event_metadata: {
          event_id: messageId,
          event_type: "yandex.cloud.events.messagequeue.QueueMessage",
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
          cloud_id: expect.stringMatching(/^b1g\w{17}$/),
          folder_id: expect.stringMatching(/^b1g\w{17}$/),
        },
        details: {
          queue_id: queues.arnOf("shop-tasks"),
          message: {
            message_id: messageId,
            md5_of_body: md5,
            body: "message body",
            attributes: { SentTimestamp: expect.stringMatching(/^\d{13}$/) },
            message_attributes: {
              colour: { data_type: "StringValue", string_value: "red" },
              bytes: { data_type: "BinaryValue", binary_value: "AAE=" },
            },
            md5_of_message_attributes: md5OfAttributes,
          },
        },
      },
    ]);
    expect(happenings.map(({ type }) => type)).toEqual(["published", "received", "invoked"]);
  });

  test.each([200, 204, 299])(
    "deletes a message after %i, and says what was made of it",
    async (status) => {
      const { send, nextCall, counts, happenings } = startTrigger();
      const messageId = send("a");

      const verdict = { message_id: messageId, outcome: "done", state: "SUCCESS" };
      (await nextCall()).answer(status, JSON.stringify({ messages: [verdict] }));
      await settle();

      expect(counts()).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
      expect(happenings).toContainEqual(
        expect.objectContaining({
          type: "answered",
          status,
          messageIds: [messageId],
          verdicts: [{ messageId, outcome: "done", state: "SUCCESS" }],
        }),
      );
    },
  );

  // The worker's own output, which its tests compare with the same file.
  test("understands what the worker answers", () => {
    const file = "packages/celery-push-worker/tests/golden/answer.json";

    expect(readVerdicts(readFileSync(file, "utf8"))).toEqual([
      { messageId: "m1", outcome: "done", state: "SUCCESS" },
      { messageId: "m2", outcome: "delayed" },
      { messageId: "m3", outcome: "dead", reason: "bad_body" },
    ]);
  });

  test.each([199, 301, 400, 429, 500, 502, 504])(
    "leaves a message hidden after %i",
    async (status) => {
      const { send, nextCall, counts, happenings } = startTrigger();
      send("a");

      (await nextCall()).answer(status, "no verdicts");
      await settle();

      expect(counts()).toEqual({ waiting: 0, inFlight: 1, delayed: 0 });
      expect(happenings).toContainEqual(
        expect.objectContaining({ type: "answered", status, verdicts: [] }),
      );
    },
  );

  test("delivers again when the visibility timeout is over, and to the dead letters at last", async () => {
    const redrive = { deadLetterQueue: "shop-dead", maxReceiveCount: 2 };
    const queue = { visibilityTimeoutSeconds: 1, redrive };
    const { queues, nextCall, send, happenings } = startTrigger({}, { queue });
    queues.create({ ...queues.specOf("shop-tasks"), name: "shop-dead", redrive: undefined });
    const messageId = send("a");

    for (const status of [500, 503]) (await nextCall()).answer(status);
    await expect.poll(() => queues.counts("shop-dead").waiting).toBe(1);

    expect(happenings).toContainEqual(
      expect.objectContaining({ type: "dead", messageId, receiveCount: 2 }),
    );
  });

  test("leaves a message in its queue while another queue's messages have the container", async () => {
    let free = true;
    const { send, nextCall, calls, counts, roomChanged } = startTrigger(
      {},
      { hasRoom: () => free },
    );
    // It waits for a message when the room goes.
    await settle();
    free = false;

    send("a");
    await settle();

    expect(calls).toEqual([]);
    expect(counts()).toEqual({ waiting: 1, inFlight: 0, delayed: 0 });
    free = true;
    roomChanged();
    (await nextCall()).answer(200);
    await settle();
    expect(counts()).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
  });

  test("has as many requests under way as the container takes", async () => {
    const { send, nextCall, calls, counts } = startTrigger({}, { concurrency: 2 });
    const ids = ["a", "b", "c"].map(send);

    const [first, second] = [await nextCall(), await nextCall()];
    await settle();
    expect(calls).toEqual([]);
    expect(counts().waiting).toBe(1);
    second.answer(200);
    const third = await nextCall();

    expect([first, second, third].flatMap((call) => call.ids)).toEqual(ids);
  });

  test("sends a full batch at once", async () => {
    const { send, nextCall } = startTrigger({ batchSize: 3, batchCutoffSeconds: 20 });
    const ids = ["a", "b", "c", "d"].map(send);

    expect((await nextCall()).ids).toEqual(ids.slice(0, 3));
  });

  test("sends what has come when the cutoff is over", async () => {
    const { send, nextCall, calls } = startTrigger({ batchSize: 10, batchCutoffSeconds: 1 });
    const first = send("a");
    await settle();
    const second = send("b");
    await settle();
    expect(calls).toEqual([]);

    expect((await nextCall()).ids).toEqual([first, second]);
  });

  test("returns a failed batch to the queue as a whole, and deletes one as a whole", async () => {
    const { send, nextCall, counts } = startTrigger({ batchSize: 2 });
    for (const body of ["a", "b", "c", "d"]) send(body);

    (await nextCall()).answer(500);
    (await nextCall()).answer(200);
    await settle();

    expect(counts()).toEqual({ waiting: 0, inFlight: 2, delayed: 0 });
  });

  test("never delivers a message over 230 KB, and says what to do", async () => {
    const { send, nextCall, happenings, counts } = startTrigger({ batchSize: 2 });
    const large = send("x".repeat(230_001));
    const small = send("x".repeat(230_000));

    expect((await nextCall()).ids).toEqual([small]);
    expect(counts().inFlight).toBe(2);
    expect(happenings).toContainEqual(
      expect.objectContaining({
        type: "refused",
        by: "shop-tasks",
        message: expect.stringContaining(large),
        fix: expect.stringContaining("celery_push_worker.publisher"),
      }),
    );
  });

  test("takes nothing while it is paused, and goes on afterwards", async () => {
    const { triggers, send, calls, nextCall, counts } = startTrigger();
    await settle();
    triggers.pause();
    send("a");
    await settle();

    expect([triggers.paused, calls.length, counts().waiting]).toEqual([true, 0, 1]);
    triggers.resume();
    (await nextCall()).answer(200);
    await settle();
    expect([triggers.paused, counts().waiting]).toEqual([false, 0]);
  });

  test("stops without waiting for what is being worked on, which still comes to its end", async () => {
    const { triggers, send, nextCall, counts } = startTrigger();
    send("a");
    const call = await nextCall();

    await triggers.stop();
    call.answer(200);
    await settle();

    expect(counts()).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
  });

  test("survives that its queue is deleted, and reads a new one", async () => {
    const { queues, send, nextCall, happenings } = startTrigger();
    const spec = queues.specOf("shop-tasks");
    await settle();
    queues.remove("shop-tasks");
    await settle();

    queues.create(spec);
    const id = send("a");

    expect((await nextCall()).ids).toEqual([id]);
    expect(happenings).toContainEqual(expect.objectContaining({ type: "log", level: "error" }));
  });
});
