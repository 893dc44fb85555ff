import { NOT_COUNTED } from "./_environment.ts";
import type { Command } from "./_owned-process.ts";
import { run } from "./_run-program.ts";

/** Something in a Django project's settings that the cloud cannot keep. */
export interface Finding {
  /** `push_worker.W001` and so on; the project may silence it. */
  readonly id: string;
  readonly text: string;
  readonly hint: string;
}

const CHECK = ["-m", "celery_push_worker", "check", "--json"];
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * Asks the project in its own Python, with what it would have in the cloud. Without Django there is
 * nothing to find; `undefined` when it could not be asked.
 */
export async function askProject(
  { cwd, env }: Command,
  timers: readonly string[],
  signal: AbortSignal,
): Promise<readonly Finding[] | undefined> {
  const asked = { ...inCloud(env), PUSH_WORKER_TIMERS: timers.join(",") };
  const { code, lines } = await run("python3", CHECK, { cwd, env: asked, signal });
  return code === 0 ? lines.flatMap(parseFinding) : undefined;
}

function inCloud(env: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !NOT_COUNTED.includes(name));
  const hosts = (env.ALLOWED_HOSTS ?? "").split(",").filter((host) => !LOCAL_HOST.test(host));
  return { ...Object.fromEntries(kept), ALLOWED_HOSTS: hosts.join(",") };
}

// The project may print lines of its own.
function parseFinding(line: string): Finding[] {
  if (!line.startsWith('{"id": "push_worker.')) return [];
  return [JSON.parse(line) as Finding];
}
