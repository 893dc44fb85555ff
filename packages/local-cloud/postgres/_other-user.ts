import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram, withLastLines } from "../support/run-program.ts";

/** Another user, as whom programs run that refuse to be root. */
export interface OtherUser {
  /** Whose files theirs have to be, `uid:gid`. */
  readonly owner: string;
  /** What starts a program as that user. */
  readonly prefix: readonly string[];
}

const NOBODY = /^nobody:[^:]*:(\d+):(\d+):/m;

/**
 * How to run PostgreSQL's programs, which refuse to be root; `undefined` where this process is not.
 *
 * @param folder with the programs
 * @throws Error where root cannot become another user
 */
export async function findOther(folder: string): Promise<OtherUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [, uid = "", gid = ""] = NOBODY.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  const all: string[] = [];
  for (const other of waysOut(uid, gid)) {
    const [program = "", ...args] = [
      ...other.prefix,
      join(folder, "initdb"),
      "--show",
      "--pgdata=/",
    ];
    const { code, lines } = await runProgram(program, args);
    if (code === 0) return other;
    all.push(...lines);
  }
  throw new Error(
    withLastLines(
      `PostgreSQL does not run as root, and neither \`setpriv\` nor \`unshare\` could start ${folder}/initdb as nobody. Start this as another user, or set DATABASE_URL in .env.local to a database of your own.`,
      all,
    ),
  );
}

function waysOut(uid: string, gid: string): readonly OtherUser[] {
  return [
    // With the right to pass folders that are closed to others. It does not count for the programs' own.
    {
      prefix: [
        ...["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"],
        ...["--inh-caps=+dac_override", "--ambient-caps=+dac_override"],
      ],
      owner: `${uid}:${gid}`,
    },
    // By name only: passes all that is root's. Not allowed in Docker.
    { prefix: ["unshare", "--user", `--map-user=${uid}`, `--map-group=${gid}`], owner: "0:0" },
  ];
}
