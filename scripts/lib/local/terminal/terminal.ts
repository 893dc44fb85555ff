import type {
  CloudEvent,
  ContainerChanged,
  Logged,
  Requested,
} from "../../../../packages/local-cloud/events/event.ts";
import type { EventStore } from "../../../../packages/local-cloud/events/store.ts";
import { harmless } from "../../../../packages/local-cloud/support/harmless.ts";
import { formatDuration, formatTime, type Paint } from "../../shell/style.ts";
import { describeEvent, LOG_MODES, type LogMode } from "./event-lines.ts";
import { followOutcomes } from "./follow-outcomes.ts";
import { formatHeader, type StartupInfo } from "./header.ts";
import { LateLines } from "./late-lines.ts";
import { formatOutcome, type OutcomeContext } from "./outcome-lines.ts";
import { Repeats } from "./repeats.ts";
import type { Reporter } from "./reporter.ts";
import { Screen, type TextOutput } from "./screen.ts";

const STATUS_INTERVAL_MS = 250;
const CRASH_LINES = 5;

/** Where to print, and what to know of the project. */
export interface TerminalOptions extends Pick<OutcomeContext, "roots" | "deliveries" | "queues"> {
  readonly output: TextOutput;
  readonly paint: Paint;
  /** Whether the output is a terminal, where a line can be rewritten. */
  readonly live: boolean;
  /** Whether keys are read. */
  readonly keys: boolean;
  /** When the process has started. */
  readonly startedAt: number;
}

/** For people: addresses first, then one line for each task's outcome, and little else. */
export class Terminal implements Reporter {
  private readonly options: TerminalOptions;
  private readonly screen: Screen;
  /** What each container that is not ready does. */
  private readonly progress = new Map<string, string>();
  private readonly installing = new Set<string>();
  private readonly lastLines = new Map<string, string[]>();
  /** The last errors since the last request, of no task. */
  private errors: string[] = [];
  private readonly late = new LateLines();
  /** Lines of containers that start, until it is known what comes of it. */
  private readonly held = new Map<string, (Logged & CloudEvent)[]>();
  /** Why each container has crashed the last time. */
  private readonly causes = new Map<string, string>();
  private readonly repeats: Repeats;
  private mode: LogMode = "failed";
  private up = false;
  private timer: NodeJS.Timeout | undefined;
  private stop = () => {};

  constructor(options: TerminalOptions) {
    this.options = options;
    const { paint, output, live } = options;
    this.screen = new Screen(output, live);
    this.repeats = new Repeats((text) =>
      this.screen.lines([`${paint("dim", formatTime(Date.now()))} ${text}`]),
    );
  }

  starting(info: StartupInfo, events: EventStore): void {
    const { paint, keys, live } = this.options;
    this.screen.lines(formatHeader(info, paint, keys));
    if (live) this.timer = setInterval(() => this.showProgress(), STATUS_INTERVAL_MS);
    else this.screen.lines(["  starting"]);
    this.showProgress();
    // What was wrong before anybody looked is said too.
    for (const event of events.since(0)) this.take(event);
    const unsubscribe = events.subscribe((event) => this.take(event));
    const unfollow = followOutcomes(events, (task, outcome) => {
      const context = { ...this.options, logs: this.mode !== "none" };
      this.screen.lines(formatOutcome(task, outcome, context));
    });
    this.stop = () => {
      unsubscribe();
      unfollow();
    };
  }

  running(milliseconds: number, down: readonly string[]): void {
    this.endProgress();
    this.up = true;
    const without = down.length > 0 ? ` without ${down.join(" and ")}` : "";
    this.screen.lines([`  running${without} (${formatDuration(milliseconds)})`, ""]);
  }

  note(text: string): void {
    this.screen.lines(text.split("\n").map((line) => `  ${harmless(line)}`));
  }

  end(): void {
    this.endProgress();
    this.stop();
    this.late.end();
    this.repeats.end();
  }

  /** Shows other log lines from now on. */
  nextLogMode(): void {
    const next = (LOG_MODES.indexOf(this.mode) + 1) % LOG_MODES.length;
    this.mode = LOG_MODES[next] ?? "failed";
    this.note(`logs: ${this.mode}`);
  }

  private take(event: CloudEvent): void {
    if (event.type === "container") this.takeContainer(event);
    else if (event.type === "log") this.takeLine(event);
    else if (event.type === "request") this.takeRequest(event);
    else this.show(event);
  }

  /** With what was logged of it, if it has failed: a site says more than a status. */
  private takeRequest(event: Requested & CloudEvent): void {
    const isShown = this.show(event);
    this.late.after(() => {
      const { errors } = this;
      this.errors = [];
      if (this.mode !== "failed" || event.status < 400 || errors.length === 0) return;
      if (isShown || (event.status < 500 && this.show(event, "all"))) this.showLines(errors);
    });
  }

  private takeLine(event: Logged & CloudEvent): void {
    const lines = this.lastLines.get(event.container) ?? [];
    lines.push(event.message);
    this.lastLines.set(event.container, lines.slice(-CRASH_LINES));
    if (event.level === "error" && event.taskId === undefined) {
      this.errors = [...this.errors, event.message].slice(-CRASH_LINES);
    }
    const held = this.held.get(event.container);
    if (held === undefined || this.mode === "all") this.show(event);
    else held.push(event);
  }

  /** Returns whether there is something new to see. */
  private show(event: CloudEvent, mode = this.modeNow()): boolean {
    const text = describeEvent(event, mode, this.options.paint);
    return text !== undefined && this.repeats.take(text);
  }

  private modeNow(): LogMode {
    // What is wrong with the configuration is said at the start.
    return this.up || this.mode !== "failed" ? this.mode : "warnings";
  }

  private takeContainer(event: ContainerChanged & CloudEvent): void {
    const { container, state, detail } = event;
    // What it printed before it crashed would hide why; what it prints before it is ready is kept.
    const held = this.held.get(container) ?? [];
    this.held.delete(container);
    if (state === "starting") this.held.set(container, held);
    else if (state === "crashed") this.showCrash(event);
    else for (const line of held) this.show(line);
    if (state === "ready") this.causes.delete(container);
    const text = harmless(`${container} ${state} ${detail ?? ""}`.trim());
    if (state === "ready") this.progress.delete(container);
    else this.progress.set(container, text);
    if (state !== "installing" || this.options.live || this.installing.has(container)) return;
    // On a terminal the status says so, and is gone afterwards.
    this.installing.add(container);
    this.screen.lines([`  ${container}: installing packages, on the first run only`]);
  }

  /** Once for each cause: it is started again and again. */
  private showCrash(event: ContainerChanged & CloudEvent): void {
    const { container, cause } = event;
    if (cause !== undefined && this.causes.get(container) === cause) return;
    const isShown = this.show(event);
    if (cause !== undefined) this.causes.set(container, cause);
    else if (isShown) this.showLastLines(event);
  }

  private showLastLines({ container }: ContainerChanged): void {
    this.showLines(this.lastLines.get(container) ?? []);
  }

  private showLines(lines: readonly string[]): void {
    this.screen.lines(
      lines.map((line) => this.options.paint("dim", `         | ${harmless(line)}`)),
    );
  }

  private showProgress(): void {
    const time = formatDuration(Date.now() - this.options.startedAt);
    this.screen.status(["  starting", time, ...this.progress.values()].join("  "));
  }

  private endProgress(): void {
    clearInterval(this.timer);
    this.screen.status("");
  }
}
