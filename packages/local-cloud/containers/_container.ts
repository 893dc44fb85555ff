import { resolve } from "node:path";
import type { Report } from "../events/event.ts";
import type { ContainerSpec } from "../stack/blueprint.ts";
import type { ProcessCommand } from "../support/owned-process.ts";
import { withLastLines } from "../support/run-program.ts";
import { Instance, type InstanceState } from "./_instance.ts";
import { LogReader } from "./_log-lines.ts";
import { MemoryWatch } from "./_memory.ts";
import { platformAnswer, RefusedResponse, sendRequest } from "./_send-request.ts";
import { Slots } from "./_slots.ts";
import type { ContainerRequest, ContainerResponse } from "./invoke.ts";

/** How a container stands. */
export interface ContainerStatus {
  readonly name: string;
  readonly state: InstanceState;
  readonly pid?: number;
  /** Resident memory of all its processes. */
  readonly memoryMib?: number;
  /** Requests that it works on, or that wait for it. */
  readonly requests: number;
}

/** A container of the stack, and who hears of it. */
export interface ContainerOptions {
  readonly spec: ContainerSpec;
  readonly secrets: Readonly<Record<string, string>>;
  /** The project's folder. */
  readonly root: string;
  readonly report: Report;
  /** Called when it may have room for another request, or no longer has. */
  readonly onChange: () => void;
}

// Lines that were printed before an answer may be read after it.
const LATE_LINES_MS = 200;

/** One container of the stack: who waits for it, who may come in, and what it says. */
export class Container {
  readonly spec: ContainerSpec;
  readonly secrets: Readonly<Record<string, string>>;

  private readonly report: Report;
  private readonly instance: Instance;
  private readonly slots: Slots;
  private readonly logs: LogReader;
  private readonly memory: MemoryWatch;
  private readonly running = new Set<ContainerRequest>();
  private last: { readonly request: ContainerRequest; readonly until: number } | undefined;
  private requests = 0;
  private command: ((port: number) => ProcessCommand) | undefined;

  constructor({ spec, secrets, root, report, onChange }: ContainerOptions) {
    this.spec = spec;
    this.secrets = secrets;
    this.report = report;
    this.slots = new Slots(spec.concurrency);
    this.memory = new MemoryWatch(spec, report);
    const roots = [resolve(root, spec.source)];
    this.logs = new LogReader(roots);
    this.instance = new Instance({
      name: spec.name,
      healthPath: spec.healthPath,
      roots,
      command: (port) => {
        if (this.command === undefined) throw new Error(`unexpected start of ${spec.name}`);
        return this.command(port);
      },
      onLine: (line) => this.log(line),
      report,
      onChange,
    });
  }

  get hasRoom(): boolean {
    return this.instance.state === "ready" && this.slots.free > 0;
  }

  get status(): ContainerStatus {
    const { state, pid } = this.instance;
    return {
      name: this.spec.name,
      state,
      ...(pid !== undefined && { pid }),
      ...(this.memory.mib !== undefined && { memoryMib: this.memory.mib }),
      requests: this.requests,
    };
  }

  isInstalling(detail: string): void {
    this.report({ type: "container", container: this.spec.name, state: "installing", detail });
  }

  warn(message: string): void {
    this.report({ type: "log", container: this.spec.name, level: "warning", message });
  }

  /** Starts it, or restarts it, and waits until it is ready or has crashed. */
  async start(command: (port: number) => ProcessCommand): Promise<void> {
    const again = this.command !== undefined;
    this.command = command;
    if (again) await this.instance.restart("restarted");
    this.memory.start(() => this.instance.pid);
    await this.instance.start();
  }

  async stop(): Promise<void> {
    this.memory.stop();
    await this.instance.stop();
  }

  /** Answers a request within the container's time, which begins when the request comes. */
  async handle(request: ContainerRequest): Promise<ContainerResponse> {
    const signal = AbortSignal.timeout(this.spec.timeoutSeconds * 1000);
    this.requests += 1;
    const leave = await this.slots.take(signal);
    try {
      if (leave === undefined) return this.outOfTime("waited for a free instance");
      if (await this.instance.whenReady(signal)) return await this.pass(request, signal);
      return signal.aborted
        ? this.outOfTime("waited for the container to start")
        : this.crashed("is down");
    } finally {
      leave?.();
      this.requests -= 1;
    }
  }

  private async pass(request: ContainerRequest, signal: AbortSignal): Promise<ContainerResponse> {
    const { pid } = this.instance;
    this.running.add(request);
    try {
      const answer = await sendRequest(this.instance.port, request, signal);
      this.instance.hasAnswered();
      return answer;
    } catch (error) {
      if (error instanceof RefusedResponse) return this.refused(error);
      if (!signal.aborted) return this.crashed("did not answer");
      this.endInstance(pid);
      return this.outOfTime("ran");
    } finally {
      this.running.delete(request);
      this.last = { request, until: Date.now() + LATE_LINES_MS };
    }
  }

  /** The platform ends an instance that is out of time, and whatever else it works on. */
  private endInstance(pid: number | undefined): void {
    // Another request that was out of time may have done so.
    if (pid !== this.instance.pid) return;
    void this.instance.restart(`a request took more than ${this.spec.timeoutSeconds} s`, false);
  }

  private outOfTime(what: string): ContainerResponse {
    const { name, timeoutSeconds } = this.spec;
    return platformAnswer(
      504,
      `A request to ${name} ${what} for ${timeoutSeconds} s and timed out. Raise timeoutSeconds in config.ts, or do less in one request.`,
    );
  }

  private crashed(what: string): ContainerResponse {
    const { cause, lastLines } = this.instance;
    const why = cause === undefined ? "" : `: ${cause}`;
    const sentence = `Container ${this.spec.name} ${what}${why}.`;
    return platformAnswer(502, withLastLines(sentence, lastLines));
  }

  private refused({ message: what, fix }: RefusedResponse): ContainerResponse {
    const message = `Container ${this.spec.name} ${what}`;
    this.report({ type: "refused", by: this.spec.name, code: "502", message, fix });
    return platformAnswer(502, `${message}. ${fix}.`);
  }

  private log(line: string): void {
    const said = this.logs.read(line);
    const { message: owner } = this.ownerOfLine() ?? {};
    const { taskId = owner?.taskId, messageId = owner?.messageId } = said;
    // A line that comes late, when another message is executed, or of a task within a task says whose it is.
    const isOwners = taskId === owner?.taskId && messageId === owner?.messageId;
    this.report({ type: "log", container: this.spec.name, ...(isOwners && owner), ...said });
  }

  /** The request that was worked on alone when a line was printed. */
  private ownerOfLine(): ContainerRequest | undefined {
    if (this.running.size > 1) return undefined;
    const [only] = this.running;
    if (only !== undefined) return only;
    return this.last !== undefined && Date.now() < this.last.until ? this.last.request : undefined;
  }
}
