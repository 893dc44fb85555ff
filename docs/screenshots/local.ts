import { spawn } from "node:child_process";
import { waitUntil } from "./wait.ts";

const COLUMNS = 140;

/** Runs `npm run local` in a terminal of its own, and remembers what it prints. */
export function startLocal(args: readonly string[]) {
  const command = `stty cols ${COLUMNS}; exec npm run --silent local -- ${args.join(" ")}`;
  const child = spawn("script", ["-qfec", command, "/dev/null"], {
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
    site: () =>
      waitUntil("npm run local", () => {
        const [address] = /http:\/\/localhost:\d+/.exec(text) ?? [];
        return /running \(/.test(text) ? address : undefined;
      }),
    quit: async () => {
      if (child.exitCode !== null) return;
      child.stdin.write("q");
      await waitUntil("end of npm run local", () => child.exitCode !== null);
    },
  };
}
