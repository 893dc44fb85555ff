import { openPage } from "./lib/open/open.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "open",
  summary:
    "Serves a page of a deployed stage's tasks on this machine, until Ctrl-C; says where the local cloud's is if one runs here and no stage is named.",
  flags: {
    stage: STAGE,
    act: { type: "boolean", help: "let the page act on the stage; it only shows it otherwise" },
    since: {
      type: "string",
      value: "time",
      help: "from when on the log is read: 2h, 3d, 2026-01-31T12:00; default: 1h",
    },
    port: { type: "string", value: "number", help: "tried first, 0 for any; default: 4520" },
    browser: { type: "boolean", help: "open it in the browser" },
  },
  notes: [
    "It is for you alone: other machines cannot reach it, and it acts with your login.",
    "Looking at dead letters raises their receive counts.",
  ],
} as const;

await main(command, openPage);
