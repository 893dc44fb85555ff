import type { LocalCloud } from "../../../packages/local-cloud/local-cloud.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import type { Keys } from "./terminal/keys.ts";
import type { Reporter } from "./terminal/reporter.ts";

const MAX_CHOICES = 9;

/** Asks by single keys which timer to fire. */
export class TimerChoice {
  private readonly cloud: LocalCloud;
  private readonly reporter: Reporter;
  private asked = false;

  constructor(cloud: LocalCloud, reporter: Reporter) {
    this.cloud = cloud;
    this.reporter = reporter;
  }

  /** `1` to `9`. */
  get keys(): Keys {
    const digits = Array.from({ length: MAX_CHOICES }, (_, index) => index);
    return Object.fromEntries(digits.map((index) => [String(index + 1), () => this.choose(index)]));
  }

  /** Fires the only timer, or asks which. */
  ask(): void {
    const names = this.names();
    if (names.length === 1) this.fire(names[0]);
    else if (names.length === 0) this.reporter.note("no timers: set 'schedule' in config.ts");
    else
      this.reporter.note(`fire ${names.map((name, index) => `${index + 1} ${name}`).join("   ")}`);
    this.asked = names.length > 1;
  }

  private choose(index: number): void {
    if (this.asked) this.fire(this.names()[index]);
    this.asked = false;
  }

  private fire(name: string | undefined): void {
    if (name === undefined) return;
    this.cloud.fire(name).catch((error) => this.reporter.note(messageOf(error)));
  }

  private names(): string[] {
    return timerNames(this.cloud).slice(0, MAX_CHOICES);
  }
}

/** @throws UserError when the stack has no such timer */
export function refuseUnknownTimer(cloud: LocalCloud, name: string): void {
  const known = timerNames(cloud);
  if (known.includes(name)) return;
  throw new UserError(
    `Timer "${name}" is not in the stack (known: ${known.join(", ") || "none"}). Timers come from 'schedule' in config.ts.`,
  );
}

function timerNames(cloud: LocalCloud): string[] {
  return cloud.blueprint().timers.map(({ name }) => name);
}
