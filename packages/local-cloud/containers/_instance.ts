import type { ContainerChanged, Report } from "../events/event.ts";
import { OwnedProcess, type ProcessCommand } from "../support/owned-process.ts";
import { Condition } from "../support/until.ts";
import { findCause } from "./_crash-cause.ts";
import { freePort } from "./_free-port.ts";
import {
  describeExposure,
  describeSilence,
  type Readiness,
  type Started,
  waitUntilReady,
} from "./_readiness.ts";

/** `installing`, `starting`, `ready`, `crashed` or `stopped`. */
export type InstanceState = ContainerChanged["state"];

/** A process to keep running, and who hears of it. */
export interface InstanceOptions {
  readonly name: string;
  readonly healthPath?: string | undefined;
  /** Folders of the project's sources. */
  readonly roots: readonly string[];
  /** What to start so that it listens on a port of loopback. */
  readonly command: (port: number) => ProcessCommand;
  readonly onLine: (line: string) => void;
  readonly report: Report;
  /** Something has changed that others wait for. */
  readonly onChange: () => void;
}

const START_SECONDS = 60;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
// Crashes one after the other until whoever calls is told at once instead of waiting for the next.
const PATIENCE = 2;
const LAST_LINES = 20;
// A traceback through Django has some sixty, and each of a server's processes may print one.
const LINES_OF_RUN = 500;

/** One running container: a process that is started again whenever it ends. */
export class Instance {
  port = 0;
  /** The last lines that were printed, for whoever asks why it crashed. */
  readonly lastLines: string[] = [];
  /** Why it has crashed the last time, as far as that is known. */
  cause: string | undefined;

  private readonly options: InstanceOptions;
  private current: InstanceState = "starting";
  private process: OwnedProcess | undefined;
  private wanted = true;
  private crashes = 0;
  /** What was printed since the process was started. */
  private linesOfRun: string[] = [];
  /** Why we have ended a process that should have become ready. */
  private verdict: string | undefined;
  private warned = false;
  /** Why the process is being ended by us. */
  private reason: string | undefined;
  private skipPause: () => void = () => {};
  private readonly changed = new Condition();
  private supervision: Promise<void> | undefined;

  constructor(options: InstanceOptions) {
    this.options = options;
  }

  get state(): InstanceState {
    return this.current;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Crashes so often that nobody should wait for it. */
  get isDown(): boolean {
    return this.state === "stopped" || (this.state === "crashed" && this.crashes >= PATIENCE);
  }

  /** Starts it, and waits until it is ready or has crashed, or is stopped meanwhile. */
  async start(): Promise<void> {
    if (this.supervision === undefined) {
      this.wanted = true;
      this.current = "starting";
      this.supervision = this.supervise();
    }
    await this.changed.until(() => this.current !== "starting");
  }

  /** Waits while it starts. Returns false when it is down, or `signal` is aborted. */
  async whenReady(signal: AbortSignal): Promise<boolean> {
    await this.changed.until(() => this.state === "ready" || this.isDown, signal);
    return this.state === "ready";
  }

  /** It has answered: what it crashed of before is over. */
  hasAnswered(): void {
    this.crashes = 0;
  }

  /** Ends the process and starts another one at once. `gently`: what it works on may come to an end. */
  async restart(reason: string, gently = true): Promise<void> {
    this.reason = reason;
    this.crashes = 0;
    const { process } = this;
    this.change("starting", reason);
    this.skipPause();
    if (gently) await process?.stop();
    else process?.kill();
  }

  async stop(): Promise<void> {
    this.wanted = false;
    this.skipPause();
    await this.process?.stop();
    await this.supervision;
  }

  private async supervise(): Promise<void> {
    while (this.wanted) {
      const ending = await this.runOnce();
      if (!this.wanted) break;
      if (this.reason === undefined) await this.pauseAfterCrash(ending);
    }
    this.process = undefined;
    this.supervision = undefined;
    this.change("stopped");
  }

  /** Runs the process to its end, and says how it ended. */
  private async runOnce(): Promise<string> {
    const { command, healthPath } = this.options;
    this.port = await freePort();
    if (!this.wanted) return "";
    this.reason = undefined;
    this.verdict = undefined;
    this.linesOfRun = [];
    this.process = new OwnedProcess(command(this.port), (line) => this.keep(line));
    this.change("starting");
    const started = { pid: this.process.pid ?? 0, port: this.port, healthPath };
    const over = new AbortController();
    const late = setTimeout(() => void this.giveUp(started, over.signal), START_SECONDS * 1000);
    void waitUntilReady(started, over.signal).then((readiness) => {
      clearTimeout(late);
      if (!over.signal.aborted && this.reason === undefined) this.judge(readiness);
    });
    const { text } = await this.process.ended;
    over.abort();
    clearTimeout(late);
    return text;
  }

  private judge(readiness: Readiness): void {
    if (readiness.is === "exposed") this.condemn(describeExposure(readiness.listener));
    if (readiness.is !== "ready") return;
    this.cause = undefined;
    this.change("ready");
    if (!readiness.guarded) this.warnOfOpenPort();
  }

  /** Of a worker only: a site is open to whoever opens it, and has its own ways to guard its forms. */
  private warnOfOpenPort(): void {
    const { name, healthPath, report } = this.options;
    if (this.warned || healthPath === undefined) return;
    this.warned = true;
    report({
      type: "log",
      container: name,
      level: "warning",
      message: `Any web page open on this machine can make ${name} execute tasks, because its command does not use the worker's gunicorn settings. Remove --config from it in config.ts, or set it to python:celery_push_worker.gunicorn`,
    });
  }

  private async giveUp(started: Started, signal: AbortSignal): Promise<void> {
    const what = await describeSilence(started);
    if (signal.aborted) return;
    this.condemn(`${what} after ${START_SECONDS} s. Make the command listen on it`);
  }

  private condemn(verdict: string): void {
    this.verdict = verdict;
    this.keep(`${verdict}.`);
    this.process?.kill();
  }

  private async pauseAfterCrash(ending: string): Promise<void> {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.crashes, LONGEST_PAUSE_MS);
    this.crashes += 1;
    this.cause = this.verdict ?? findCause(this.linesOfRun, this.options.roots);
    this.change("crashed", `${ending}; restarts in ${pause / 1000} s`, this.cause);
    await new Promise<void>((done) => {
      const timer = setTimeout(done, pause);
      this.skipPause = () => {
        clearTimeout(timer);
        done();
      };
    });
    this.skipPause = () => {};
  }

  private keep(line: string): void {
    if (this.linesOfRun.length < LINES_OF_RUN) this.linesOfRun.push(line);
    this.lastLines.push(line);
    if (this.lastLines.length > LAST_LINES) this.lastLines.shift();
    this.options.onLine(line);
  }

  private change(state: InstanceState, detail?: string, cause?: string): void {
    const { name, report, onChange } = this.options;
    this.current = state;
    report({
      type: "container",
      container: name,
      state,
      ...(this.pid !== undefined && { pid: this.pid }),
      ...(detail !== undefined && { detail }),
      ...(cause !== undefined && { cause }),
    });
    this.changed.notify();
    onChange();
  }
}
