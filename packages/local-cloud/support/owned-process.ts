import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Variables } from "../stack/blueprint.ts";

/** A program to start. */
export interface ProcessCommand {
  /** Name or path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** All of it: nothing is inherited. */
  readonly env: Variables;
  /** Ends it gently. @default "TERM" */
  readonly stopSignal?: "TERM" | "INT";
}

const GRACE_MS = 3000;
const LAST_LINES_MS = 1000;
const NOT_FOUND = 127;
const SIGNALLED = 128;

// The command runs in a process group of its own, and beside it a watcher that reads a pipe of ours.
// When we are gone, however that came about, the pipe ends, and the watcher ends the group.
const WATCHED = `
exec 3<&0 </dev/null
gently=$1; shift
"$@" 3<&- &
child=$!
trap : TERM INT HUP
(
  trap '' TERM INT HUP
  exec >/dev/null 2>&1
  while read -r _ <&3; do :; done
  kill -"$gently" 0; sleep ${GRACE_MS / 1000}; kill -KILL 0
) &
exec 3<&-
while :; do
  wait "$child"; code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done`;

/** How a command ended. */
export interface ProcessEnd {
  /** 127 when there is no such program, above 128 after a signal. */
  readonly code: number;
  /** Words for people: `exited with code 3`. */
  readonly text: string;
}

/** A process group that lives no longer than this process. */
export class OwnedProcess {
  readonly pid: number | undefined;
  /** Resolves once the whole group is gone. */
  readonly ended: Promise<ProcessEnd>;

  private readonly child: ChildProcess;
  private readonly gently: "TERM" | "INT";
  private over = false;

  constructor(command: ProcessCommand, onLine: (line: string) => void) {
    const { program, args, cwd, env, stopSignal = "TERM" } = command;
    this.gently = stopSignal;
    this.child = spawn("/bin/sh", ["-c", WATCHED, "sh", stopSignal, program, ...args], {
      cwd,
      env,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.pid = this.child.pid;
    for (const input of [this.child.stdout, this.child.stderr]) {
      if (input) createInterface({ input }).on("line", onLine);
    }
    // The pipe breaks when the group dies first.
    this.child.stdin?.on("error", () => {});
    this.ended = this.waitForEnd();
  }

  /** `stopSignal` to the group, SIGKILL after `graceMs`. */
  async stop(graceMs = GRACE_MS): Promise<void> {
    this.signal(`SIG${this.gently}`);
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.signal("SIGKILL");
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.over || this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Gone already.
    }
  }

  private waitForEnd(): Promise<ProcessEnd> {
    return new Promise((done) => {
      this.child.once("error", ({ message }) =>
        done({ code: NOT_FOUND, text: `could not be started: ${message}` }),
      );
      this.child.once("exit", (code, signal) => {
        // What is left of the group, the watcher at least.
        this.signal("SIGKILL");
        this.over = true;
        // The last lines; whoever has left the group may keep the pipes open for ever.
        const finish = () => done(describeEnd(code, signal));
        this.child.once("close", finish);
        setTimeout(finish, LAST_LINES_MS).unref();
      });
    });
  }
}

// A shell reports a signal as a code above 128.
function describeEnd(code: number | null, signal: NodeJS.Signals | null): ProcessEnd {
  if (code === null) return { code: SIGNALLED, text: `was killed by ${signal}` };
  if (code === NOT_FOUND) return { code, text: `was not found (code ${code})` };
  if (code > SIGNALLED) return { code, text: `was killed by signal ${code - SIGNALLED}` };
  return { code, text: `exited with code ${code}` };
}
