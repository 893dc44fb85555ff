import type { Session } from "../cloud/session.ts";
import { invoke, NotLetIn } from "../manage/invocation.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import type { CheckResult } from "./check-result.ts";

const WORDS = ["migrate", "--check", "--plan"];
const TIMEOUT_MS = 120_000;
/** `shop.0002_orders`: a migration, above its operations. */
const MIGRATION = /^\w+\.\w+$/;

/** Whether the database lacks migrations that the image has, as Django says in the cloud. */
export async function checkMigrations(
  { system, access }: Pick<Session, "system" | "access">,
  { url, caller }: NonNullable<DeployedApp["manage"]>,
): Promise<CheckResult> {
  const check = "migrations";
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const options = { system, access, url, words: WORDS, signal };
    const outcome = await invoke({ ...options, notLetIn: "", goesOn: "It changes nothing." });
    return { check, ...judge(outcome) };
  } catch (error) {
    if (!(error instanceof NotLetIn)) throw error;
    return { check, ok: true, found: `not looked at: only ${caller} may run commands` };
  }
}

function judge({ exitCode, output }: { readonly exitCode: number; readonly output: string }) {
  if (exitCode === 0) return { ok: true, found: "none is missing" };
  const lines = output.trimEnd().split("\n");
  const missing = lines.filter((line) => MIGRATION.test(line));
  if (missing.length === 0) return { ok: false, found: lines.at(-1) ?? "" };
  const fix = "Run `npm run manage -- migrate --noinput`.";
  return { ok: false, found: `missing: ${missing.join(", ")}`, fix };
}
