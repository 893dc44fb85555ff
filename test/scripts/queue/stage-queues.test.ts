import { expect, test } from "vitest";
import {
  findQueue,
  stageQueues,
  withDeadLetters,
} from "../../../scripts/lib/queue/stage-queues.ts";

test("the queues of a stage have Celery's names", () => {
  const queues = stageQueues({
    queues: {
      ...{ url: "u", deadLetterUrl: "d" },
      further: { heavy: { url: "h", deadLetterUrl: null } },
    },
  });

  expect(queues).toEqual([
    { name: "default", url: "u", deadLetterUrl: "d" },
    { name: "heavy", url: "h", deadLetterUrl: "" },
  ]);
  expect(findQueue(queues, "heavy")).toBe(queues[1]);
  expect(() => findQueue(queues, "mail")).toThrow(
    "Queue \"mail\" is not in the stage (known: default, heavy). Queues come from 'queues' in config.ts.",
  );
  expect(withDeadLetters(queues)).toEqual([queues[0]]);
  expect(() => withDeadLetters(queues.slice(1))).toThrow(
    "There is no dead-letter queue in the stage.",
  );
});
