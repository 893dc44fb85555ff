// Owns a process that ignores SIGTERM and has started another one; the test kills this owner.
import { OwnedProcess } from "../../../packages/local-cloud/support/owned-process.ts";

const script = "trap '' TERM; sleep 1000 & echo $$ $!; wait";
new OwnedProcess(
  { program: "sh", args: ["-c", script], cwd: ".", env: { PATH: process.env.PATH ?? "" } },
  (line) => console.log(line),
);
