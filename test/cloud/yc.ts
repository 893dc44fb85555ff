import { readSync } from "node:fs";
import { type Call, type Flags, formatCommand, parse, UsageError } from "./cli.ts";
import { CloudError } from "./errors.ts";
import { changeCloud, readCloud, type YcProfile } from "./state.ts";
import type { Context, YcCommand } from "./yc/command.ts";
import { LOGGING } from "./yc/logging.ts";
import { format } from "./yc/output.ts";
import { PROFILE } from "./yc/profile.ts";
import { REGISTRIES } from "./yc/registry.ts";
import { SERVERLESS } from "./yc/serverless.ts";
import { classicTriggerCommands } from "./yc/trigger.ts";
import { secondTriggerCommands } from "./yc/trigger-v2.ts";

const GLOBAL_FLAGS: Flags = {
  profile: "string",
  region: "string",
  "cloud-id": "string",
  "folder-id": "string",
  "folder-name": "string",
  debug: "bool",
  "debug-grpc": "bool",
  "no-user-output": "bool",
  pager: "string",
  "no-pager": "bool",
  format: "string",
  retry: "int",
  timeout: "string",
  token: "string",
  jq: "string",
  endpoint: "string",
  "impersonate-service-account-id": "string",
  "no-browser": "bool",
  query: "string",
  "print-metadata": "bool",
  syntax: "string",
  "cli-auto-prompt": "string",
  "no-cli-auto-prompt": "bool",
  help: "bool",
};

const FORMATS = ["text", "yaml", "json", "json-rest"];

process.exitCode = main(process.argv.slice(2));

function main(argv: readonly string[]): number {
  changeCloud((cloud) => cloud.log.push(formatCommand(["yc", ...argv])));
  try {
    const { yc: profile } = readCloud();
    const words = argv[0] === "--version" ? ["version"] : argv;
    const { command, call } = parse("yc", words, commands(profile), GLOBAL_FLAGS, {
      f: "follow",
      h: "help",
    });
    run(command, call, profile);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof CloudError)) throw error;
    process.stderr.write(formatError(error));
    return 1;
  }
}

function run(command: YcCommand, call: Call, profile: YcProfile | undefined): void {
  const kind = call.text("format") ?? "text";
  if (!FORMATS.includes(kind)) throw new UsageError(`unknown format ${JSON.stringify(kind)}`);
  if (call.has("help")) {
    process.stdout.write(`Usage: yc ${command.path} [Flags...] [Global Flags...]\n`);
    return;
  }
  if (!command.local) login(call, profile);
  const result = command.run(call, context(call, profile));
  process.stdout.write(format(result, kind, call.text("jq") ?? call.text("query")));
}

/** A 0.x knows the classic tree only; a later one has both, and the profile says which is meant. */
function commands(profile: YcProfile | undefined): YcCommand[] {
  const root = "serverless trigger";
  const second = profile?.serverlessVersion === 2;
  const versioned = !profile?.version.startsWith("0.");
  return [
    ...PROFILE,
    ...REGISTRIES,
    ...SERVERLESS,
    ...LOGGING,
    ...(versioned ? classicTriggerCommands(`${root} v1`) : []),
    ...(versioned ? secondTriggerCommands(`${root} v2`) : []),
    ...(versioned && second ? secondTriggerCommands(root) : classicTriggerCommands(root)),
  ];
}

function context(call: Call, profile: YcProfile | undefined): Context {
  return {
    profile,
    get folderId() {
      const id = call.text("folder-id") ?? profile?.folderId;
      if (!id) throw new UsageError("folder-id is not set, use --folder-id or yc config set");
      return id;
    },
    read: (read) => read(readCloud()),
    change: (change) => changeCloud(change),
  };
}

function login(call: Call, profile: YcProfile | undefined): void {
  if (call.has("token")) return;
  if (!profile?.loggedIn) {
    throw new UsageError("no credentials are set in the profile, run yc init");
  }
  if (profile.sessionExpired) expire();
}

// The real one stops here and waits, also in scripts: only a closed stdin lets it go on.
function expire(): never {
  process.stderr.write(
    "You are going to be authenticated via federation-id 'bpfexample'.\n" +
      "Your federation authentication web site will be opened.\n" +
      "Authentication web site will be opened.\nPress 'enter' to continue...\n",
  );
  waitForEnter();
  throw new CloudError("Unauthenticated", "The federated session has expired");
}

function waitForEnter(): void {
  const buffer = Buffer.alloc(256);
  for (;;) {
    const length = readStdin(buffer);
    if (length === 0 || buffer.subarray(0, length).includes("\n")) return;
  }
}

function readStdin(buffer: Buffer): number {
  try {
    return readSync(0, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return 0;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    return readStdin(buffer);
  }
}

function formatError(error: UsageError | CloudError): string {
  if (error instanceof UsageError) return `ERROR: ${error.message}\n`;
  return (
    `ERROR: rpc error: code = ${error.code} desc = ${error.message}\n\n\n` +
    "server-request-id: 00000000-0000-0000-0000-000000000000\n" +
    "client-request-id: 00000000-0000-0000-0000-000000000000\n"
  );
}
