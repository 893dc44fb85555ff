import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { copySources, ROOT } from "../support/sources.ts";

export const EXAMPLE = join(ROOT, "examples", "django-celery");
export const SHOP = join(ROOT, "test", "local-cloud", "shop");

/** What the command writes with --json, a line. */
export type Line = Readonly<Record<string, unknown>>;

/** A copy of this project, in which the real command runs. */
export class Project {
  readonly dir = mkdtempSync(join(tmpdir(), "local-"));
  private readonly running = new Set<Running>();

  /** @param config fields of `config.ts` */
  constructor(config: string) {
    copySources(this.dir);
    symlinkSync(join(ROOT, "node_modules"), join(this.dir, "node_modules"));
    this.configure(config);
  }

  configure(fields: string): void {
    const text = `export const config = { project: "shop", stages: {}, ${fields} };\n`;
    this.write("config.ts", text);
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.dir, file), text);
  }

  /** Starts what `npm run local` does, as a shell would: in a process group of its own. */
  start(...args: string[]): Running {
    const child = spawn(process.execPath, ["run.mjs", "scripts/local.ts", ...args], {
      cwd: this.dir,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const running = new Running(child);
    this.running.add(running);
    return running;
  }

  /** The same, to its end. */
  async run(...args: string[]): Promise<Running> {
    const running = this.start(...args);
    await running.end;
    return running;
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    for (const running of this.running) running.signal("SIGTERM");
    await Promise.all([...this.running].map(({ end }) => end));
  }
}

/** The command while it runs. */
export class Running {
  /** Standard output, and in it the lines that are JSON. */
  stdout = "";
  stderr = "";
  readonly lines: Line[] = [];
  /** Resolves with the exit code. */
  readonly end: Promise<number>;

  private readonly child: ChildProcess;
  private readonly checks = new Set<() => void>();

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.on("data", (text) => {
      this.stderr += text;
    });
    if (child.stdout)
      createInterface({ input: child.stdout }).on("line", (line) => this.take(line));
    this.end = once(child, "close").then(([code, signal]) => code ?? signal);
  }

  /** To the process group, as a terminal does on Ctrl-C. */
  signal(signal: NodeJS.Signals): void {
    if (this.child.pid !== undefined && isAlive(this.child.pid)) {
      process.kill(-this.child.pid, signal);
    }
  }

  /** Waits for a line with these fields. */
  async until(fields: Line): Promise<Line> {
    const fits = (line: Line) =>
      Object.entries(fields).every(([name, value]) => line[name] === value);
    const found = new Promise<Line>((resolve) => {
      const check = () => {
        const line = this.lines.find(fits);
        if (line) resolve(line);
      };
      this.checks.add(check);
      check();
    });
    const ended = this.end.then((code) => {
      throw new Error(`It ended with ${code}:\n${this.stdout}${this.stderr}`);
    });
    return await Promise.race([found, ended]);
  }

  /** Waits for one more line. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        this.checks.delete(check);
        resolve();
      };
      this.checks.add(check);
    });
  }

  /** Waits until everything runs, and returns the addresses. */
  async urls(): Promise<{
    readonly site: string;
    readonly control: string;
    readonly queue: string;
  }> {
    const { urls } = await this.until({ type: "cloud", state: "starting" });
    await this.until({ type: "cloud", state: "running" });
    return urls as { site: string; control: string; queue: string };
  }

  /** Process ids of the containers that are up. */
  pids(): number[] {
    return this.lines.filter(({ state }) => state === "ready").map(({ pid }) => Number(pid));
  }

  private take(line: string): void {
    this.stdout += `${line}\n`;
    if (line.startsWith("{")) this.lines.push(JSON.parse(line));
    for (const check of [...this.checks]) check();
  }
}

/** Waits until no process of these groups is left. Who ends them all does not wait for each. */
export async function areGone(groups: readonly number[]): Promise<void> {
  while (groups.some(isAlive)) await sleep(50);
}

/** Whether any process of a group is left. */
export function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}
