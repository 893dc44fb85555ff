import { spawn } from "node:child_process";
import { waitUntil } from "./wait.ts";

const COLUMNS = 140;

/** Runs `npm run local` in a terminal of its own, and remembers what it prints. */
export function startLocal(args: readonly string[], cwd = ".") {
  const command = `stty cols ${COLUMNS}; exec npm run --silent local -- ${args.join(" ")}`;
  const child = spawn("script", ["-qfec", command, "/dev/null"], {
    cwd,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return {
    /** Everything so far, with the terminal's control sequences. */
    output: () => text,
    /** Address of the site, once it runs. */
    site: () => waitUntil("npm run local", () => addressOf("App", text)),
    /** Address of the page of the tasks, once the site runs. */
    console: () => waitUntil("npm run local", () => addressOf("Console", text)),
    quit: async () => {
      if (child.exitCode !== null) return;
      child.stdin.write("q");
      await waitUntil("end of npm run local", () => child.exitCode !== null);
    },
  };
}

function addressOf(what: string, text: string): string | undefined {
  const [, address] = new RegExp(`${what} .*?(http://localhost:\\d+)`).exec(text) ?? [];
  return /running \(/.test(text) ? address : undefined;
}
