import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { STAGE, splitCommand } from "../../scripts/lib/shell/command-line.ts";
import { ROOT } from "../support/sources.ts";
import { DOCUMENTS } from "./_documents.ts";
import { readSources } from "./_sources.ts";

const scripts = scriptsOf(".");

interface Call {
  readonly path: string;
  /** As it is written. */
  readonly text: string;
  readonly script: string;
  /** What stands behind `--`. */
  readonly words: readonly string[];
}

const CALLS: readonly Call[] = DOCUMENTS.flatMap(({ path, blocks, codes }) =>
  [...blocks.flatMap(({ code }) => code.split("\n")), ...codes].flatMap((line) =>
    [...line.matchAll(/npm run (?:--silent )?([\w:-]+)((?: (?!#|npm )[^\s|&;)]+)*)/g)].map(
      ([text, script = "", rest = ""]) => ({
        path,
        text,
        script,
        words: rest.trim().split(/\s+/).filter(Boolean),
      }),
    ),
  ),
);

test("there are commands to check", () => expect(CALLS.length).toBeGreaterThan(40));

test.each(CALLS)("$path: `$text` is a command with these flags", ({ script, words }) => {
  const workspace = words[0] === "-w" ? join("packages", basename(words[1] ?? "")) : ".";
  expect(Object.keys(scriptsOf(workspace))).toContain(script);
  if (words[0] !== "--") return;
  const [, ...given] = words;
  const verb = given.find((word) => /^(run|manage|tasks|env|redrive|purge|save)$/.test(word));
  const own = script === "manage" ? splitCommand({ flags: { stage: STAGE } }, given).own : given;
  const flags = own.filter((word) => word.startsWith("--")).map((word) => word.split("=")[0]);
  if (flags.length > 0) expect(flagsOf(script, verb)).toEqual(expect.arrayContaining(flags));
});

test("each command is in a document", () => {
  const commands = readdirSync(join(ROOT, "scripts"))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => basename(name, ".ts"));

  expect(CALLS.map(({ script }) => script)).toEqual(expect.arrayContaining(commands));
});

test("each command of the Python package that is named exists", () => {
  const [main = ""] = readSources("packages/celery-push-worker/src", /^__main__\.py$/);
  const named = DOCUMENTS.flatMap(({ text }) =>
    [...text.matchAll(/-m"?,? "?celery_push_worker"?,? "?([a-z-]+)/g)].map(([, name = ""]) => name),
  );

  expect(named.length).toBeGreaterThan(5);
  for (const name of new Set(named)) expect(main).toContain(`"${name}"`);
});

test("the flags in tables of `npm run local` are its flags", () => {
  const page = DOCUMENTS.find(({ path }) => path === "docs/local.md");
  const named = page?.codes.flatMap((code) => /^--[a-z-]+/.exec(code) ?? []) ?? [];

  expect([...new Set(named)].sort()).toEqual(
    flagsOf("local")
      .filter((it) => it !== "--help")
      .sort(),
  );
});

function scriptsOf(folder: string): Record<string, string> {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")).scripts;
}

const known = new Map<string, string[]>();

/** The flags that the command's own help lists. */
function flagsOf(script: string, verb?: string): string[] {
  const call = [...String(scripts[script]).split(" ").slice(1), ...(verb ? [verb] : []), "--help"];
  const key = call.join(" ");
  const flags =
    known.get(key) ??
    execFileSync(process.execPath, call, { cwd: ROOT, encoding: "utf8" })
      .split("\n")
      .flatMap((line) => /^ {2}(--[a-z-]+)/.exec(line)?.[1] ?? []);
  known.set(key, flags);
  return flags;
}
