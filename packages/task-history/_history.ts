import { type Situation, situationOf } from "./_describe.ts";
import { applyFact, type End } from "./_fold.ts";
import {
  copyTrackedTask,
  isOver,
  newTrackedTask,
  numberOf,
  type TrackedTask,
} from "./_tracked-task.ts";
import { hasContent, weightOf, withoutContent } from "./_weight.ts";
import { compareFacts, type Fact, isBeginning, namedTask, type StateFact } from "./fact.ts";
import type { Outcome } from "./task-record.ts";

/** A task of more is followed on from what the oldest half of them amounts to. */
const MAX_FACTS = 500;
const MAX_LOG_LINES = 50;
const MAX_LINE_CHARACTERS = 4000;

type LoggedFact = Extract<Fact, { kind: "logged" }>;

/**
 * Everything that is known of one task: a set of facts, and what they amount to in their order. A fact
 * that comes in its turn is only added to that; after any other, the rest follows again.
 */
export class TaskHistory {
  readonly id: string;
  /** Whether there is more than lines of a log and the like. */
  hasBegun = false;
  /** Characters of all arguments, results and lines, roughly. */
  weight = 0;
  /** Its messages, the longest known first. */
  messageIds: readonly string[] = [];
  private facts: StateFact[] = [];
  private lines: LoggedFact[] = [];
  /** What the facts before those that are kept amount to. */
  private base: TrackedTask | undefined;
  private task: TrackedTask;
  /** What it does, until the facts say something else. */
  private knownSituation: Situation | undefined;
  /** The last fact of those. */
  private lastAbsorbed: StateFact | undefined;
  /** Characters of the arguments and the result that are in it. */
  private baseWeight: { readonly [kind in StateFact["kind"]]?: number } = {};
  /** Ids of facts whose outcome was told. */
  private told: string[] = [];

  constructor(id: string) {
    this.id = id;
    this.task = newTrackedTask(id);
  }

  /** What the facts amount to. */
  get current(): TrackedTask {
    return this.task;
  }

  /** What it does until it is due. */
  get situation(): Situation {
    this.knownSituation ??= situationOf(this.task);
    return this.knownSituation;
  }

  get log(): readonly LoggedFact[] {
    return this.lines;
  }

  /** The last one in their order; a line only where there is nothing else. */
  get last(): Fact | undefined {
    return this.facts.at(-1) ?? this.lines.at(-1);
  }

  get isOver(): boolean {
    return isOver(this.task);
  }

  /** All that are kept, in their order. */
  all(): readonly Fact[] {
    return [...this.facts, ...this.lines].sort(compareFacts);
  }

  /** Takes over a fact, unless it is there already. Returns what has come to an end by it. */
  add(fact: Fact, isTold = false): readonly Outcome[] {
    if (this.has(fact) || this.isTooOld(fact)) return [];
    if (isTold) this.told.push(fact.id);
    this.hasBegun ||= isBeginning(fact);
    if (fact.kind === "logged") return this.addLine(fact);
    const added = this.lighten(fact);
    this.weight += weightOf(added, this.facts.length);
    const place = placeOf(added, this.facts);
    this.facts.splice(place, 0, added);
    const isNext = place === this.facts.length - 1;
    const outcomes = isNext ? this.follow([added]) : this.followAll();
    if (this.facts.length > MAX_FACTS) this.absorb();
    return outcomes;
  }

  /** Takes out the facts that name only this message. Returns them, and whether each was told. */
  release(messageId: string): readonly { readonly fact: Fact; readonly isTold: boolean }[] {
    const released = this.all().filter(
      (fact) => fact.messageId === messageId && namedTask(fact) === undefined,
    );
    const out = released.map((fact) => ({ fact, isTold: this.told.includes(fact.id) }));
    const ids = new Set(released.map(({ id }) => id));
    const stays = ({ id }: Fact) => !ids.has(id);
    this.told = this.told.filter((id) => !ids.has(id));
    this.facts = this.facts.filter(stays);
    this.lines = this.lines.filter(stays);
    this.hasBegun = this.base !== undefined || this.facts.some(isBeginning);
    this.weigh();
    this.followAll();
    return out;
  }

  /** Not by its time: what is read twice may have another. */
  private has({ id, kind }: Fact): boolean {
    const others: readonly Fact[] = kind === "logged" ? this.lines : this.facts;
    return others.some((other) => other.id === id);
  }

  private addLine(fact: LoggedFact): [] {
    const line = { ...fact, message: fact.message.slice(0, MAX_LINE_CHARACTERS) };
    this.lines.splice(placeOf(line, this.lines), 0, line);
    this.weight += weightOf(line);
    if (this.lines.length > MAX_LOG_LINES) {
      const dropped = this.lines.shift();
      if (dropped) this.weight -= weightOf(dropped);
    }
    return [];
  }

  /** Of arguments, and of results, only the last ones are kept: each retry brings the same again. */
  private lighten(fact: StateFact): StateFact {
    if (!hasContent(fact)) return fact;
    const place = this.facts.findLastIndex(
      (other) => other.kind === fact.kind && hasContent(other),
    );
    const other = this.facts[place];
    if (other === undefined) return fact;
    if (compareFacts(fact, other) < 0) return withoutContent(fact);
    this.weight -= weightOf(other) - weightOf(withoutContent(other));
    this.facts[place] = withoutContent(other);
    return fact;
  }

  private isTooOld(fact: Fact): boolean {
    if (this.lastAbsorbed === undefined || fact.kind === "logged") return false;
    return compareFacts(fact, this.lastAbsorbed) <= 0;
  }

  private followAll(): Outcome[] {
    this.task = this.base ? copyTrackedTask(this.base) : newTrackedTask(this.id);
    return this.follow(this.facts);
  }

  private follow(facts: readonly StateFact[]): Outcome[] {
    const outcomes: Outcome[] = [];
    this.knownSituation = undefined;
    for (const fact of facts) {
      const end = applyFact(this.task, fact);
      if (end === undefined || this.told.includes(fact.id)) continue;
      this.told.push(fact.id);
      outcomes.push(this.outcomeOf(fact, end));
    }
    return outcomes;
  }

  private outcomeOf({ at }: Fact, { word, attempt }: End): Outcome {
    const number = attempt && numberOf(this.task, attempt);
    return { at, taskId: this.id, word, ...(number !== undefined && { attempt: number }) };
  }

  private absorb(): void {
    const oldest = this.facts.splice(0, MAX_FACTS / 2);
    this.base ??= newTrackedTask(this.id);
    for (const fact of oldest) {
      applyFact(this.base, fact);
      this.lastAbsorbed = fact;
      if (hasContent(fact)) this.baseWeight = { ...this.baseWeight, [fact.kind]: weightOf(fact) };
    }
    this.told = this.told.filter((id) => this.facts.some((fact) => fact.id === id));
    this.weigh();
  }

  private weigh(): void {
    const ofFacts = this.facts.map((fact, place) => weightOf(fact, place));
    const all = [...ofFacts, ...this.lines.map((line) => weightOf(line))];
    this.weight = [...all, ...Object.values(this.baseWeight)].reduce((sum, one) => sum + one, 0);
  }
}

/** Where a fact belongs among others in their order; mostly at the end. */
function placeOf(fact: Fact, facts: readonly Fact[]): number {
  return facts.findLastIndex((other) => compareFacts(other, fact) < 0) + 1;
}
