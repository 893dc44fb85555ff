import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { LOCK_FILE } from "../../stacks/terraform-files.ts";
import { type CloudHttp, startCloudHttp } from "../cloud/http.ts";
import { type Cloud, changeCloud, readCloud } from "../cloud/state.ts";
import { CLOUD_ID, FOLDER_ID, terraformEnv } from "../cloud/terraform.ts";
import { installTools } from "../cloud/tools.ts";
import { copySources, ROOT } from "./sources.ts";

/** What a process of the project answered. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as they came. */
  readonly output: string;
}

/** A copy of this project in a folder of its own, with a stand-in cloud to deploy to. */
export interface Project {
  readonly dir: string;
  readonly cloudDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** The HTTP side of its cloud. */
  readonly http: CloudHttp;
  /** Runs `npm run <command> -- <args>`. */
  npm(command: string, args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<Answer>;
  /** Runs any program in the project's folder. */
  run(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Answer>;
  /** Starts `npm run <command>`, and kills it as soon as a line of its output matches. */
  killAt(
    line: RegExp,
    command: string,
    args?: readonly string[],
    signal?: NodeJS.Signals,
  ): Promise<Answer>;
  /** The same, with all processes that it has started, in whatever group they are. */
  killAllAt(line: RegExp, command: string, args?: readonly string[]): Promise<Answer>;
  /** Starts `npm run <command>`; `kill` kills it with all that it has started. */
  begin(
    command: string,
    args?: readonly string[],
  ): { readonly answer: Promise<Answer>; readonly kill: (signal?: NodeJS.Signals) => void };
  configure(text: string): void;
  write(file: string, text: string): void;
  cloud(): Cloud;
  change<T>(change: (cloud: Cloud) => T): T;
  close(): Promise<void>;
}

/**
 * Lays out a project as a user has it after cloning, with a small site to build an image from, and a
 * cloud that `terraform`, `yc`, `docker` and all HTTP requests of the commands reach.
 */
export async function newProject(config?: string): Promise<Project> {
  const dir = mkdtempSync(join(tmpdir(), "project-"));
  const cloudDir = mkdtempSync(join(tmpdir(), "cloud-"));
  copySources(dir);
  unlockHashes(join(dir, LOCK_FILE));
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  const write = (file: string, text: string) => {
    mkdirSync(join(dir, file, ".."), { recursive: true });
    writeFileSync(join(dir, file), text);
  };
  write("site/Dockerfile", "FROM scratch\n");
  write("site/requirements.txt", "django\n");
  const configure = (text: string) => write("config.ts", configFile(text));
  configure(config ?? "");
  const http = await startCloudHttp({ cloudDir });
  changeCloud((cloud) => {
    cloud.yc = { version: "1.15.0", loggedIn: true, folderId: FOLDER_ID, cloudId: CLOUD_ID };
  }, cloudDir);
  const env = projectEnv(dir, cloudDir, http);
  const run: Project["run"] = (program, args, extra = {}) =>
    answer(start(dir, program, args, { ...env, ...extra }));
  return {
    dir,
    cloudDir,
    env,
    http,
    run,
    npm: (command, args = [], extra = {}) =>
      run("npm", ["run", "--silent", command, "--", ...args], extra),
    killAt: (line, command, args = [], signal = "SIGKILL") =>
      killAt(line, start(dir, "npm", ["run", "--silent", command, "--", ...args], env), (group) =>
        killIfThere(-group, signal),
      ),
    killAllAt: (line, command, args = []) =>
      killAt(line, start(dir, "npm", ["run", "--silent", command, "--", ...args], env), killTree),
    begin: (command, args = []) => {
      const child = start(dir, "npm", ["run", "--silent", command, "--", ...args], env);
      const kill = (signal: NodeJS.Signals = "SIGKILL") => {
        if (child.pid !== undefined) killTree(child.pid, signal);
      };
      return { answer: answer(child), kill };
    },
    configure,
    write,
    cloud: () => readCloud(cloudDir),
    change: (change) => changeCloud(change, cloudDir),
    close: () => http.close(),
  };
}

/** Takes the checksums out of a lock: the stand-in has others than the vendor's provider. */
export function unlockHashes(lock: string): void {
  const text = readFileSync(lock, "utf8");
  writeFileSync(lock, text.replace(/^ *hashes *= *\[.*?\]\n/gms, ""));
}

/** `config.ts` of a small site, with more fields between the braces. */
function configFile(fields: string): string {
  return `import type { Config } from "./stacks/config-schema.ts";
export const config: Config = {
  project: "shop",
  celeryApp: "shop.celery:app",
  image: { context: "site" },
  stages: { production: { domain: false, staticBucket: false } },
  ${fields}
};
`;
}

function projectEnv(dir: string, cloudDir: string, http: CloudHttp): NodeJS.ProcessEnv {
  const tools = join(dir, ".tools");
  installTools(tools);
  const { YC_TOKEN: _, CI: __, ...env } = terraformEnv(cloudDir);
  return {
    ...env,
    PATH: `${tools}${delimiter}${process.env.PATH}`,
    HOME: dir,
    CLOUD_HTTP: http.url,
    YC_API_URL: `${http.url}/{service}`,
    YC_GATEWAY_URL: `${http.url}/gateway/{domain}/`,
    YC_FOLDER_ID: FOLDER_ID,
  };
}

function start(dir: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  // A process group of its own, so that a kill reaches what npm has started.
  return spawn(program, args, { cwd: dir, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
}

function answer(child: ChildProcess, onText: (text: string) => void = () => {}): Promise<Answer> {
  const parts = { stdout: "", stderr: "", output: "" };
  const collect = (stream: "stdout" | "stderr") => (chunk: Buffer) => {
    parts[stream] += chunk;
    parts.output += chunk;
    onText(parts.output);
  };
  child.stdout?.on("data", collect("stdout"));
  child.stderr?.on("data", collect("stderr"));
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => done({ code: code ?? -1, ...parts }));
  });
}

// Once: a second interrupt is a demand to drop everything.
function killAt(line: RegExp, child: ChildProcess, kill: (group: number) => void): Promise<Answer> {
  let sent = false;
  return answer(child, (text) => {
    if (sent || !line.test(text) || child.pid === undefined) return;
    sent = true;
    kill(child.pid);
  });
}

function killTree(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .split("\n")
    .map((row) => row.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    rows.filter(([, of]) => of === parent).flatMap(([child = 0]) => [child, ...below(child)]);
  for (const one of [pid, ...below(pid)]) killIfThere(one, signal);
}

// Between the list and the signal a process may have ended by itself; the others have to get it all the same.
function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
