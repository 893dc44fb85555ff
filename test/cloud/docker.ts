import { formatCommand, parse, UsageError } from "./cli.ts";
import { BAKE } from "./docker/bake.ts";
import { BUILD } from "./docker/build.ts";
import { type DockerCommand, DockerError } from "./docker/command.ts";
import { LOCAL } from "./docker/local.ts";
import { REGISTRY_COMMANDS } from "./docker/registry.ts";
import { changeCloud, readCloud } from "./state.ts";

const COMMANDS: readonly DockerCommand[] = [...LOCAL, ...BUILD, ...BAKE, ...REGISTRY_COMMANDS];
const GLOBAL_FLAGS = {
  config: "string",
  context: "string",
  host: "string",
  debug: "bool",
} as const;
const SHORTHANDS = { t: "tag", f: "file", u: "username", p: "password", q: "quiet" };
const NO_DAEMON =
  "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";

process.exitCode = main(process.argv.slice(2));

function main(argv: readonly string[]): number {
  changeCloud((cloud) => cloud.log.push(formatCommand(["docker", ...argv])));
  try {
    const words = argv[0] === "--version" ? ["version"] : argv;
    const { command, call } = parse("docker", words, COMMANDS, GLOBAL_FLAGS, shorthands(words));
    if (!command.local && readCloud().faults.docker === "daemon") throw new DockerError(NO_DAEMON);
    const output = command.run(call, undefined);
    if (typeof output === "string") process.stdout.write(`${output}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof DockerError)) throw error;
    process.stderr.write(`${prefix(argv, error)}${error.message}
`);
    return error instanceof UsageError ? 125 : 1;
  }
}

// `-f` is the Dockerfile for a build and the template for everything else.
function shorthands(argv: readonly string[]): Record<string, string> {
  return argv.includes("build") || argv.includes("bake")
    ? SHORTHANDS
    : { ...SHORTHANDS, f: "format" };
}

function prefix(argv: readonly string[], error: Error): string {
  return error instanceof DockerError && /^build/.test(argv[0] ?? "") ? "ERROR: " : "";
}
