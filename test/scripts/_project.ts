import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { startCloudHttp } from "../cloud/http.ts";
import { type Cloud, changeCloud, readCloud } from "../cloud/state.ts";
import { CLOUD_ID, FOLDER_ID, terraformEnv } from "../cloud/terraform.ts";
import { installTools } from "../cloud/tools.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SOURCES = ["run.mjs", "main.ts", "package.json", "constructs", "scripts", "stacks"];

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A copy of the project with its own configuration and its own stand-in cloud. */
export interface Project {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs `npm run <command> -- <args>` without npm. */
  run(command: string, args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run>;
  configure(config: object): void;
  read(): Cloud;
  change<T>(change: (cloud: Cloud) => T): T;
}

/** Makes a project whose `yc` is logged in and whose sources are one Dockerfile and one file. */
export async function newProject(config: object = {}): Promise<Project> {
  const root = mkdtempSync(join(tmpdir(), "project-"));
  const cloudDir = join(root, "cloud");
  const http = await startCloudHttp({ cloudDir });
  afterAll(async () => {
    await http.close();
    rmSync(root, { recursive: true, force: true });
  });
  for (const source of SOURCES) cpSync(join(ROOT, source), join(root, source), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  mkdirSync(join(root, "site"));
  writeFileSync(join(root, "site", "Dockerfile"), "FROM scratch\nCOPY app.py /\n");
  writeFileSync(join(root, "site", "app.py"), "print(1)\n");
  installTools(join(root, "bin"));
  const { YC_TOKEN: _token, YC_FOLDER_ID: _folder, ...rest } = terraformEnv(cloudDir);
  const env = {
    ...rest,
    PATH: `${join(root, "bin")}:${process.env.PATH}`,
    HOME: root,
    CLOUD_HTTP: http.url,
    YC_API_URL: `${http.url}/{service}`,
    YC_GATEWAY_URL: `${http.url}/gateway/{domain}/`,
    STAGE: undefined,
  };
  const project: Project = {
    root,
    env,
    configure: (settings) =>
      writeFileSync(
        join(root, "config.ts"),
        `export const config = ${JSON.stringify({
          project: "shop",
          celeryApp: "shop.celery:app",
          image: { context: "site" },
          ...settings,
        })};\n`,
      ),
    run: (command, args = [], more = {}) =>
      run(root, ["run.mjs", `scripts/${command}.ts`, ...args], { ...env, ...more }),
    read: () => readCloud(cloudDir),
    change: (change) => changeCloud(change, cloudDir),
  };
  project.configure(config);
  project.change((cloud) => {
    cloud.yc = { version: "1.15.0", loggedIn: true, folderId: FOLDER_ID, cloudId: CLOUD_ID };
  });
  return project;
}

function run(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => done({ code: code ?? 1, ...output }));
  });
}
