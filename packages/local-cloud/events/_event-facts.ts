import { errorOf } from "../../task-history/celery-error.ts";
import type { Fact, FactStamp } from "../../task-history/fact.ts";
import type {
  Answered,
  CloudEvent,
  Dead,
  Hidden,
  Invoked,
  Logged,
  Published,
  Received,
  Stored,
} from "./event.ts";

type At<T> = T & Pick<CloudEvent, "at" | "sequence">;

interface Work {
  open: number;
  busyFrom: number;
  busyUntil: number;
}

/** From one request of a busy container to its next. */
const BETWEEN_MS = 500;

/** Says as facts of tasks what the events of one run of the local cloud are. */
export class EventFacts {
  /** After the order of everything that earlier runs knew. */
  after = 0;
  /** Tells facts of this run from those of others. */
  private readonly run: string;
  /** Of each queue: messages that its container is executing, and since and until when there were some. */
  private readonly work = new Map<string, Work>();
  /** The queues of messages that were received and are not answered. */
  private readonly queues = new Map<string, string>();

  constructor(run: string) {
    this.run = run;
  }

  /** What an event says about tasks; events come in their order. */
  of(event: CloudEvent): readonly Fact[] {
    const stamp = this.stamp(event);
    switch (event.type) {
      case "published":
        return [published(event, stamp)];
      case "received":
        return this.received(event, stamp);
      case "invoked":
        return this.invoked(event);
      case "answered":
        return this.answered(event);
      case "stored":
        return [stored(event, stamp)];
      case "hidden":
        return [hidden(event, stamp)];
      case "dead":
        this.queues.delete(event.messageId);
        return [dead(event, stamp)];
      case "deleted":
      case "expired":
        this.queues.delete(event.messageId);
        return [{ ...stamp, kind: event.type, messageId: event.messageId }];
      case "log":
        return logged(event, stamp);
      default:
        return [];
    }
  }

  /** @param place of the fact, where an event has several */
  private stamp({ sequence, at }: Pick<CloudEvent, "at" | "sequence">, place = 0): FactStamp {
    return { id: `${this.run}.${sequence}.${place}`, at, order: this.after + sequence };
  }

  private received(event: At<Received>, stamp: FactStamp): Fact[] {
    const { at, messageId, queue, by, receiveCount: delivery, visibleAt } = event;
    this.queues.set(messageId, queue);
    const work = this.workOn(queue);
    const busy = { busyFrom: work.busyFrom, busyUntil: Math.min(work.busyUntil, at) };
    const fact = { ...stamp, kind: "received", messageId, queue, delivery, visibleAt } as const;
    if (by === "trigger") return [{ ...fact, ...busy }];
    // Whatever has it is taken to run it.
    const start = this.stamp(event, 1);
    return [
      { ...fact, ...busy },
      { ...start, kind: "started", messageId, by },
    ];
  }

  private invoked(event: At<Invoked>): Fact[] {
    const { at, messageIds, container } = event;
    return messageIds.map((messageId, place) => {
      const work = this.workOn(this.queues.get(messageId));
      if (work.open === 0 && at - work.busyUntil > BETWEEN_MS) work.busyFrom = at;
      work.open += 1;
      work.busyUntil = Number.POSITIVE_INFINITY;
      const stamp = this.stamp(event, place);
      return { ...stamp, kind: "started", messageId, by: "trigger", container };
    });
  }

  private answered(event: At<Answered>): Fact[] {
    const { at, messageIds, status, verdicts } = event;
    return messageIds.map((messageId, place) => {
      const work = this.workOn(this.queues.get(messageId));
      work.open = Math.max(0, work.open - 1);
      if (work.open === 0) work.busyUntil = at;
      this.queues.delete(messageId);
      const { outcome, reason, state } =
        verdicts.find((verdict) => verdict.messageId === messageId) ?? {};
      const stamp = this.stamp(event, place);
      return { ...stamp, kind: "ended", messageId, status, outcome, reason, state };
    });
  }

  private workOn(queue = "") {
    const work = this.work.get(queue) ?? { open: 0, busyFrom: 0, busyUntil: 0 };
    this.work.set(queue, work);
    return work;
  }
}

function hidden({ messageId, visibleAt }: Hidden, stamp: FactStamp): Fact {
  return { ...stamp, kind: "hidden", messageId, visibleAt };
}

function dead(event: Dead, stamp: FactStamp): Fact {
  const { messageId, queue, deadLetterQueue, receiveCount: delivery } = event;
  return { ...stamp, kind: "dead", messageId, queue, deadLetterQueue, delivery };
}

function logged({ taskId, messageId, level, message }: Logged, stamp: FactStamp): Fact[] {
  if (taskId === undefined && messageId === undefined) return [];
  return [{ ...stamp, kind: "logged", taskId, messageId, level, message }];
}

function published(event: At<Published>, stamp: FactStamp): Fact {
  const { messageId, queue, sentAt, delaySeconds, bytes, task } = event;
  return { ...stamp, kind: "sent", messageId, queue, sentAt, delaySeconds, bytes, task };
}

function stored(event: At<Stored>, stamp: FactStamp): Fact {
  const { taskId, state, result } = event;
  const error = errorOf(event);
  return { ...stamp, kind: "stored", taskId, state, ...(error ? { error } : { result }) };
}
