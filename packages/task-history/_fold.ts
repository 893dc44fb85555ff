import {
  addAttempt,
  addWait,
  dropAttempt,
  isRunning,
  type TrackedAttempt,
  type TrackedMessage,
  type TrackedTask,
  trackMessage,
} from "./_tracked-task.ts";
import type {
  Dead,
  Ended,
  FactStamp,
  Gone,
  Raised,
  Received,
  Sent,
  Started,
  StateFact,
  Stored,
} from "./fact.ts";
import type { OutcomeWord, TaskState } from "./task-record.ts";

type At<T> = T & FactStamp;

/** What has come to an end by a fact. */
export interface End {
  readonly word: OutcomeWord;
  /** `undefined` when the task has ended between attempts. */
  readonly attempt?: TrackedAttempt;
}

const FINAL: { readonly [celeryState: string]: TaskState & OutcomeWord } = {
  SUCCESS: "ok",
  FAILURE: "failed",
  REVOKED: "revoked",
};

/** Takes over the next fact of a task; facts come in their order. */
export function applyFact(task: TrackedTask, fact: StateFact): End | undefined {
  if (fact.kind !== "stopped") task.changedAt = fact.at;
  switch (fact.kind) {
    case "sent":
      return sent(task, fact);
    case "received":
      return received(task, fact);
    case "started":
      return started(task, fact);
    case "raised":
      return raised(task, fact);
    case "ended":
      return ended(task, fact);
    case "stored":
      return stored(task, fact);
    case "hidden":
      return hidden(task, fact);
    case "dead":
      return dead(task, fact);
    case "deleted":
    case "expired":
      return gone(task, fact);
    case "stopped":
      return stopped(task);
    default:
      // Kept by a later release.
      return undefined;
  }
}

function sent(task: TrackedTask, fact: At<Sent>): undefined {
  const { at, messageId, sentAt = at, task: said } = fact;
  const known = task.messages.get(messageId);
  const again = said !== undefined && said.retries > (task.facts?.retries ?? 0);
  task.publishedAt ??= sentAt;
  if (said) task.facts = { ...said, ...argumentsOf(said.args ? said : task.facts) };
  if (fact.queue !== undefined) task.queue = fact.queue;
  if (known?.live || (known && fact.sentAt === known.sentAt)) {
    // Told again: of another delivery, or after a restart.
    if (!known.queued) revive(task, known);
    return;
  }
  revive(task);
  trackMessage(task, messageId, {
    ...{ sentAt, queue: fact.queue, live: true, queued: true, receiveCount: 0, taken: false },
    ...{ waitsFrom: sentAt, visibleAt: visibleAfter(fact, sentAt, again) },
    cause: again ? "retry" : "delay",
  });
}

function revive(task: TrackedTask, message?: TrackedMessage): void {
  if (message) Object.assign(message, { live: true, queued: true });
  if (task.settled !== "ok") task.settled = undefined;
  task.awaits = undefined;
}

function argumentsOf(facts: TrackedTask["facts"]) {
  return facts?.args && { args: facts.args, kwargs: facts.kwargs };
}

function visibleAfter({ delaySeconds, task }: Sent, sentAt: number, again: boolean) {
  if (delaySeconds !== undefined) return sentAt + delaySeconds * 1000;
  const due = Date.parse(task?.eta ?? "");
  if (!Number.isNaN(due)) return due;
  return again ? undefined : sentAt;
}

function received(task: TrackedTask, fact: At<Received>): undefined {
  const message = messageOf(task, fact);
  if (isDeadLetter(message) && fact.queue === message.queue) {
    // Somebody looks at it, or is about to send it back.
    message.receiveCount = fact.delivery ?? message.receiveCount + 1;
    return;
  }
  arrive(task, message, fact);
  message.taken = true;
}

function started(task: TrackedTask, fact: At<Started>): undefined {
  const { at, messageId, by, container } = fact;
  const message = messageOf(task, fact);
  if (isDeadLetter(message) && by === "client") return;
  if (message.taken) addWait(task, "batch", message.waitsFrom, at);
  else arrive(task, message, fact);
  message.taken = false;
  endAttempt(message, at);
  const { receiveCount: delivery } = message;
  message.attempt = addAttempt(task, { messageId, delivery, by, container, startedAt: at });
}

/** The message is out of its queue: for what it has waited until now. */
function arrive(
  task: TrackedTask,
  message: TrackedMessage,
  fact: FactStamp & Pick<Received, "delivery" | "visibleAt" | "busyFrom" | "busyUntil">,
): void {
  const { at, delivery = message.receiveCount + 1, visibleAt } = fact;
  const { busyFrom = 0, busyUntil = 0 } = fact;
  const { waitsFrom, cause } = message;
  const free = Math.max(waitsFrom, Math.min(message.visibleAt ?? at, at));
  const busy = busyUntil > free ? Math.max(free, busyFrom) : free;
  const idle = Math.max(busy, Math.min(busyUntil, at));
  addWait(task, cause, waitsFrom, free);
  addWait(task, "queue", free, busy);
  addWait(task, "capacity", busy, idle);
  addWait(task, "queue", idle, at);
  if (!message.queued) revive(task, message);
  task.awaits = undefined;
  Object.assign(message, { receiveCount: delivery, visibleAt, cause: "hidden", waitsFrom: at });
}

function raised(task: TrackedTask, { error }: Raised): undefined {
  const attempt = task.attempts.at(-1);
  task.error = error;
  if (attempt) attempt.error = error;
}

function ended(task: TrackedTask, fact: At<Ended>): End | undefined {
  const { at, messageId, status, outcome, reason, state, error, dueAt } = fact;
  const message = task.messages.get(messageId);
  if (message?.attempt === undefined) return undefined;
  const { attempt } = message;
  Object.assign(attempt, { endedAt: Math.max(at, attempt.startedAt), status, outcome, reason });
  // A result tells more, where there is one.
  attempt.state ??= state;
  attempt.error ??= error;
  message.waitsFrom = at;
  if (outcome === "delayed") expect(task, attempt, { state: "delayed", dueAt });
  if (outcome === "delayed" || outcome === "duplicate") {
    dropAttempt(task, attempt);
    message.attempt = undefined;
    return undefined;
  }
  if (!isTaken(fact)) return { word: "back", attempt };
  if (attempt.state === "RETRY") expect(task, attempt, { state: "retrying", dueAt });
  // Of a task whose result is kept elsewhere, or not at all, no row tells.
  task.settled = FINAL[attempt.state ?? ""] ?? task.settled;
  if (task.settled === "ok") task.error = undefined;
  else task.error = attempt.error ?? task.error;
  return { word: wordOf(attempt.state), attempt };
}

/** Its next message is on its way, unless it is known already. */
function expect(
  task: TrackedTask,
  { startedAt }: TrackedAttempt,
  awaits: TrackedTask["awaits"],
): void {
  const isKnown = [...task.messages.values()].some(({ sentAt }) => sentAt >= startedAt);
  if (!isKnown) task.awaits = awaits;
}

/** Whether the message is done with. */
function isTaken({ status, outcome }: Ended): boolean {
  return status === undefined ? outcome === "done" : status >= 200 && status < 300;
}

function stored(task: TrackedTask, { at, state, result, error }: At<Stored>): End | undefined {
  const attempt = task.attempts.at(-1);
  if (FINAL[state]) task.settled = FINAL[state];
  task.error = error ?? (state === "SUCCESS" ? undefined : task.error);
  // What a worker says when it begins is about itself.
  task.result = error || state === "STARTED" ? undefined : result;
  if (attempt === undefined) return undefined;
  attempt.state = state;
  attempt.error = error ?? attempt.error;
  if (attempt.by === "trigger" || !(FINAL[state] || state === "RETRY")) return undefined;
  attempt.endedAt = at;
  return { word: wordOf(state), attempt };
}

function hidden({ messages }: TrackedTask, fact: { messageId: string; visibleAt: number }) {
  const { messageId, visibleAt } = fact;
  const message = messages.get(messageId);
  if (message) Object.assign(message, { visibleAt, cause: "hidden" });
  return undefined;
}

function dead(task: TrackedTask, fact: At<Dead>): End | undefined {
  const message = messageOf(task, fact);
  // Told again, as after a restart.
  if (isDeadLetter(message)) return undefined;
  addWait(task, "hidden", message.waitsFrom, fact.at);
  endAttempt(message, fact.at);
  const { deadLetterQueue: queue, delivery = message.receiveCount } = fact;
  Object.assign(message, { live: false, queued: true, queue, receiveCount: delivery });
  task.settled = "dead";
  return { word: "dead" };
}

function gone(task: TrackedTask, { kind, at, messageId }: At<Gone>): End | undefined {
  const message = task.messages.get(messageId);
  if (message === undefined) return undefined;
  const wasLive = message.live;
  // The task is no longer among the dead letters, and will not run.
  if (isDeadLetter(message) && task.settled === "dead")
    task.settled = task.error ? "failed" : "done";
  Object.assign(message, { live: false, queued: false });
  endAttempt(message, at);
  if (kind === "deleted" || !wasLive) return undefined;
  task.settled ??= "expired";
  return { word: "expired" };
}

function stopped(task: TrackedTask): undefined {
  for (const message of task.messages.values()) {
    // When is not known: not before it was heard of last.
    endAttempt(message, task.changedAt);
    if (message.live) Object.assign(message, { live: false, queued: false });
  }
  task.awaits = undefined;
}

/** The message of a fact; one whose beginning is not known is followed from here. */
function messageOf(
  task: TrackedTask,
  { messageId, queue, at }: { messageId: string; queue?: string; at: number },
): TrackedMessage {
  const known = task.messages.get(messageId);
  if (known !== undefined) return known;
  task.queue ??= queue;
  const message: TrackedMessage = {
    ...{ sentAt: at, queue, live: true, queued: true, receiveCount: 0, taken: false },
    ...{ waitsFrom: at, visibleAt: at, cause: "queue" as const },
  };
  trackMessage(task, messageId, message);
  return message;
}

function isDeadLetter({ live, queued }: TrackedMessage): boolean {
  return queued && !live;
}

function endAttempt(message: TrackedMessage, at: number): void {
  if (message.attempt && isRunning(message)) message.attempt.endedAt = at;
}

function wordOf(celeryState: string | undefined): OutcomeWord {
  if (celeryState === "RETRY") return "retry";
  return FINAL[celeryState ?? ""] ?? "done";
}
