import { isAbsolute } from "node:path";
import type { Settings } from "../../../stacks/settings.ts";
import { childEnvironment } from "../shell/child-environment.ts";
import { NOT_FOUND, type ProcessResult, type System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";

const LOGIN = "Not logged in to Yandex Cloud. Run `yc init` first.";
const INSTALL =
  "`yc` is not installed. Install it (https://yandex.cloud/en/docs/cli/quickstart) and run `yc init`, or set YC_TOKEN to an IAM token.";
const YC_TIMEOUT_SECONDS = 120;
const YC_PROBE_SECONDS = 20;

/** Who the commands are to the cloud: YC_TOKEN in a pipeline, a logged-in `yc` on a laptop. */
export interface Access {
  /** Whether the token was given, so that `yc` is not needed at all. */
  readonly given: boolean;
  /** An IAM token, for headers and standard input only. */
  token(): Promise<string>;
}

/** The token in YC_TOKEN, or one of `yc`, asked for once and when it is needed. */
export function accessOf(system: System): Access {
  const given = system.env.YC_TOKEN;
  if (given) return { given: true, token: () => Promise.resolve(given) };
  let token: Promise<string> | undefined;
  return {
    given: false,
    token: () => {
      token ??= createToken(system);
      return token;
    },
  };
}

/** Runs `yc` so that it can neither ask nor open a browser. */
export function runYc(
  system: System,
  args: readonly string[],
  timeoutSeconds = YC_TIMEOUT_SECONDS,
): Promise<ProcessResult> {
  const env = childEnvironment(system.env, "yc");
  return system.run("yc", [...args, "--no-browser"], { env, timeoutSeconds });
}

/** The standard output of a `yc` command that has to succeed. */
export async function ycOutput(system: System, args: readonly string[]): Promise<string> {
  const result = await runYc(system, args);
  if (result.exitCode !== 0) throw ycError(args, result);
  return result.stdout;
}

/** What to tell the user about a `yc` command that failed. */
export function ycError(
  args: readonly string[],
  { exitCode, stdout, stderr }: ProcessResult,
): Error {
  if (exitCode === NOT_FOUND) return new UserError(INSTALL);
  const text = stderr || stdout;
  if (/Authentication web site|Unauthenticated|yc init/i.test(text)) return new UserError(LOGIN);
  const reason = /ERROR: .*/.exec(text)?.[0] ?? lastLine(text);
  return new UserError(
    `\`yc ${args.slice(0, 4).join(" ")}\` failed (exit code ${exitCode}): ${reason}`,
  );
}

/**
 * The folder to work in: the stage's, or YC_FOLDER_ID, or the one of the `yc` profile.
 *
 * Two different ones are an error, because half of a deploy would land in either.
 */
export async function findFolder(system: System, settings: Settings): Promise<string> {
  const given = system.env.YC_FOLDER_ID;
  if (settings.folderId && given && settings.folderId !== given) {
    throw new UserError(
      `The folder is ${settings.folderId} in config.ts but ${given} in YC_FOLDER_ID. Unset one of them.`,
    );
  }
  return settings.folderId ?? (given || (await folderOfProfile(system)));
}

/** Why the credentials cannot be used as they are, if so. */
export function credentialProblem(system: System): string | undefined {
  const { YC_TOKEN: token, YC_SERVICE_ACCOUNT_KEY_FILE: keyFile } = system.env;
  if (token && /^(y[0-9]_|AQAA)/.test(token)) {
    return "YC_TOKEN holds an OAuth token. Set it to an IAM token: `yc iam create-token` prints one.";
  }
  if (token && keyFile) {
    return "YC_SERVICE_ACCOUNT_KEY_FILE and YC_TOKEN are both set, and Terraform would use the key while the commands use the token. Unset one of them.";
  }
  if (keyFile?.startsWith("~")) {
    return "YC_SERVICE_ACCOUNT_KEY_FILE starts with ~, which Terraform does not expand. Write the whole path.";
  }
  if (keyFile && !keyFile.trimStart().startsWith("{") && !isAbsolute(keyFile)) {
    return "YC_SERVICE_ACCOUNT_KEY_FILE is a relative path, and Terraform runs in another directory. Write the whole path.";
  }
  return undefined;
}

async function createToken(system: System): Promise<string> {
  const result = await runYc(system, ["iam", "create-token"], YC_PROBE_SECONDS);
  if (result.exitCode === NOT_FOUND) throw new UserError(INSTALL);
  const token = result.stdout.trim();
  if (result.exitCode !== 0 || !/^\S+$/.test(token)) throw new UserError(LOGIN);
  return token;
}

async function folderOfProfile(system: System): Promise<string> {
  const result = await runYc(system, ["config", "get", "folder-id"], YC_PROBE_SECONDS);
  const folder = result.stdout.trim();
  if (result.exitCode === 0 && /^[a-z0-9]+$/.test(folder)) return folder;
  throw new UserError(
    "No folder is set. Set 'folderId' in config.ts or YC_FOLDER_ID, or run `yc config set folder-id <id>`.",
  );
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
