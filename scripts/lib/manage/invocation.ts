import type { Access } from "../cloud/access.ts";
import { fieldsOf } from "../shell/json.ts";
import type { System } from "../shell/system.ts";
import { messageOf, UserError } from "../shell/user-error.ts";

/** Says how a command ended; a container that answers without it runs none. */
const EXIT_CODE = "x-task-exit-code";
const WORST_EXIT_CODE = 255;

/** How long a right that was given a moment ago may take. */
const RIGHT_MS = 120_000;
const RETRY_MS = 3000;
/** Not let in, or not there yet. */
const LATE = [403, 404];

/** Errors of a request that has not left this machine. */
const UNSENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
const SHOWN_CHARACTERS = 2000;

/** Whoever runs this may not call the container. */
export class NotLetIn extends UserError {}

/** What the container of commands is asked for. */
export interface Invocation {
  readonly system: System;
  readonly access: Access;
  /** The container's. */
  readonly url: string;
  readonly words: readonly string[];
  /** What to tell whoever may not call it. */
  readonly notLetIn: string;
  /** What to tell of a command whose end nobody hears of. */
  readonly goesOn: string;
  /** Whether the right to call it may be a moment old. @default false */
  readonly isNew?: boolean;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** How a command ended. */
export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/**
 * Has the container run a command, and waits for its end, up to the container's hour.
 *
 * @throws UserError when the platform did not run it, or nobody heard of its end
 * @see https://yandex.cloud/en/docs/serverless-containers/concepts/container#runtime
 */
export async function invoke(invocation: Invocation): Promise<Outcome> {
  const { system, isNew = false } = invocation;
  const deadline = system.now() + RIGHT_MS;
  for (;;) {
    const response = await post(invocation);
    if (!isNew || !LATE.includes(response.status) || system.now() > deadline) {
      return await readOutcome(response, invocation);
    }
    await system.sleep(RETRY_MS);
  }
}

async function post({ system, access, url, words, signal, goesOn }: Invocation) {
  const headers = {
    authorization: `Bearer ${await access.token()}`,
    "content-type": "application/json",
  };
  const body = JSON.stringify({ manage: words });
  try {
    return await system.fetch(url, { method: "POST", headers, body, signal, patient: true });
  } catch (error) {
    signal.throwIfAborted();
    if (!UNSENT.test(codeOf(error))) throw new UserError(lost(goesOn), { cause: error });
    const { host } = new URL(url);
    throw new UserError(`${host} cannot be reached. Check the network.`, { cause: error });
  }
}

async function readOutcome(response: Response, invocation: Invocation): Promise<Outcome> {
  const { status, headers } = response;
  const output = await readText(response, invocation);
  const exitCode = Number.parseInt(headers.get(EXIT_CODE) ?? "", 10);
  if (status === 200 && !Number.isNaN(exitCode)) {
    return { exitCode: exitCode < 0 ? WORST_EXIT_CODE : exitCode, output };
  }
  if (status === 403) {
    throw new NotLetIn(`The container does not let you in (403). ${invocation.notLetIn}`);
  }
  throw new UserError(explain(status, output, invocation));
}

async function readText(response: Response, { signal, goesOn }: Invocation): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw new UserError(lost(goesOn), { cause: error });
  }
}

function explain(status: number, text: string, { goesOn }: Invocation): string {
  switch (status) {
    case 200:
      return "The container answered without X-Task-Exit-Code: it runs no commands. Run `npm run deploy`, which writes it again.";
    case 401:
      return "The container does not accept the token (401). It may have expired: IAM tokens live up to 12 hours.";
    case 404:
      return "The container is not there (404). Run `npm run deploy`, which creates it again.";
    case 504:
      return `The command was out of time (504). Raise 'manage.timeoutSeconds' in config.ts, up to 3600. ${goesOn}`;
    default:
      return `The container answered ${status}: ${text.slice(0, SHOWN_CHARACTERS) || "no explanation"}`;
  }
}

function lost(goesOn: string): string {
  return `The connection was lost, and the command may still run. ${goesOn}`;
}

function codeOf(error: unknown): string {
  const { cause, code } = fieldsOf(error);
  if (cause !== undefined) return codeOf(cause);
  return typeof code === "string" ? code : messageOf(error);
}
