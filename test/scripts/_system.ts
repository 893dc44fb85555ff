import type { Access } from "../../scripts/lib/cloud/access.ts";
import type {
  Environment,
  ProcessOptions,
  ProcessResult,
  System,
} from "../../scripts/lib/shell/system.ts";

/** Answers of one command, by its whole command line. */
export type Commands = Readonly<Record<string, Partial<ProcessResult> | string>>;

/** Answers of one address, by method, address and, where there is one, target action. */
export type Routes = Readonly<Record<string, Answer | readonly Answer[]>>;

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** What the request ends with in place of an answer. */
  readonly error?: Error;
}

export interface FakeSystem extends System {
  /** Command lines that were run, in order. */
  readonly ran: string[];
  readonly options: ProcessOptions[];
  /** Requests that were sent, in order. */
  readonly sent: { readonly request: string; readonly init: RequestInit | undefined }[];
  readonly said: string[];
  readonly warned: string[];
}

export interface FakeOptions {
  readonly commands?: Commands;
  readonly routes?: Routes;
  readonly env?: Environment;
  readonly answer?: string;
  readonly interactive?: boolean;
  readonly root?: string;
}

export const ACCESS: Access = { given: true, token: async () => "t1.token" };

/** Nothing can be written there. */
const NOWHERE = "/dev/null/nowhere";

/** A system that answers by a script. What the script does not know fails the test. */
export function fakeSystem(options: FakeOptions = {}): FakeSystem {
  const { commands = {}, routes = {}, env = {} } = options;
  const record = {
    ran: [] as string[],
    options: [] as ProcessOptions[],
    sent: [] as FakeSystem["sent"],
    said: [] as string[],
    warned: [] as string[],
  };
  const served = new Map<string, number>();
  let clock = Date.parse("2026-01-02T03:04:05Z");
  return {
    ...record,
    env,
    interactive: options.interactive ?? false,
    root: options.root ?? NOWHERE,
    runId: "run",
    run: async (command, args, runOptions) => {
      const line = [command, ...args].join(" ");
      record.ran.push(line);
      record.options.push(runOptions);
      const answer = commands[line];
      if (answer === undefined) throw new Error(`unexpected command: ${line}`);
      const result = typeof answer === "string" ? { stdout: answer } : answer;
      return { exitCode: 0, stdout: "", stderr: "", ...result };
    },
    fetch: async (url, init) => {
      const request = describeRequest(url, init);
      record.sent.push({ request, init });
      const answers = [routes[request]].flat();
      const turn = served.get(request) ?? 0;
      served.set(request, turn + 1);
      const answer = answers[Math.min(turn, answers.length - 1)];
      if (answer === undefined) throw new TypeError(`unexpected request: ${request}`);
      const { status = 200, headers = {}, body = {}, error } = answer as Answer;
      if (error) throw error;
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return new Response(status === 204 ? null : text, { status, headers });
    },
    say: (text) => void record.said.push(text),
    warn: (text) => void record.warned.push(text),
    ask: async () => options.answer ?? "",
    sleep: async (milliseconds) => {
      clock += milliseconds;
    },
    now: () => clock,
  };
}

/** The body of a request as text. */
export function bodyOf(init: RequestInit | undefined): unknown {
  return typeof init?.body === "string" ? JSON.parse(init.body) : init?.body;
}

function describeRequest(url: string, init: RequestInit | undefined): string {
  const target = new Headers(init?.headers).get("x-amz-target");
  return [init?.method ?? "GET", url, target?.split(".")[1]].filter(Boolean).join(" ");
}
