import type { Fact, StateFact } from "./fact.ts";

/** Few facts are a part of every task; of many, each counts. */
const FREE_FACTS = 50;
const FACT_CHARACTERS = 200;

/**
 * How many characters a fact holds besides the few that all have, roughly.
 *
 * @param before facts of the same task before it
 */
export function weightOf(fact: Fact, before = 0): number {
  return (before > FREE_FACTS ? FACT_CHARACTERS : 0) + contentOf(fact);
}

/** Whether it has arguments, or a result. */
export function hasContent(fact: Fact): boolean {
  if (fact.kind === "sent") return fact.task?.args !== undefined;
  return fact.kind === "stored" && fact.result !== undefined;
}

/** The same without arguments and result. */
export function withoutContent<F extends StateFact>(fact: F): F {
  if (fact.kind === "stored") return { ...fact, result: undefined };
  if (fact.kind !== "sent" || fact.task === undefined) return fact;
  const { args: _args, kwargs: _kwargs, ...task } = fact.task;
  return { ...fact, task };
}

function contentOf(fact: Fact): number {
  switch (fact.kind) {
    case "sent":
      return hasContent(fact) ? (fact.bytes ?? lengthOf([fact.task?.args, fact.task?.kwargs])) : 0;
    case "stored":
      return lengthOf(fact.result) + lengthOf(fact.error);
    case "raised":
      return lengthOf(fact.error);
    case "logged":
      return fact.message.length;
    default:
      return 0;
  }
}

function lengthOf(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}
