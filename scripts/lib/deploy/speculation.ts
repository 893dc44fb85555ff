import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import { stageDirectory } from "../../../stacks/directories.ts";
import { hasData } from "../../../stacks/settings.ts";
import type { Session } from "../cloud/session.ts";
import { ensureImage, type ImageOptions, type ImageOutcome } from "../image/image.ts";
import { readObject } from "../shell/json.ts";
import type { OnLine } from "../shell/steps.ts";
import type { System } from "../shell/system.ts";
import { isUnfinished, type SavedPlan } from "../terraform/apply-stack.ts";

/** The image and the app's plan, begun while the registry's apply still looks whether it has anything to do. */
export interface Speculation {
  readonly repository: string;
  readonly image: Promise<ImageOutcome>;
  /** Nothing where it did not succeed: an apply says why in its own words. */
  readonly plan: Promise<SavedPlan | undefined>;
  /** Who listens from now on; what was said before is repeated. */
  readonly tell: (report: OnLine) => void;
}

const schema = v.object({ stack: v.string(), repository: v.string() });

/** Remembers that the registry's stack was applied as it is, and its repository. */
export function rememberRegistry(session: Session, repository: string): void {
  const memory = { stack: hashOfStack(session), repository };
  writeWhole(memoryFile(session.system, session.settings.stage), JSON.stringify(memory));
}

/** Forgets what `rememberRegistry` remembered, after the registry is gone. */
export function forgetRegistry(system: Pick<System, "root">, stage: string | undefined): void {
  rmSync(memoryFile(system, stage), { force: true });
}

/**
 * Starts on the image and on the app's plan if the registry is most likely to stay as it is: its
 * stack is the one that was applied last. Changes nothing but the images. Whoever gets this waits for
 * the plan, also when it is not needed any more.
 */
export function speculate(
  session: Session,
  options: Omit<ImageOptions, "repository" | "report">,
): Speculation | undefined {
  const repository = knownRepository(session);
  if (repository === undefined || !isPlainRun(session)) return undefined;
  const { report, tell } = relay();
  const image = ensureImage({ ...options, repository, report });
  const plan = planApp(session, image).catch(() => undefined);
  return { repository, image, plan, tell };
}

async function planApp({ terraform }: Session, image: Promise<unknown>): Promise<SavedPlan> {
  await Promise.all([image, terraform.init("app")]);
  return { changes: await terraform.savePlan("app") };
}

// A plan cannot wait for a certificate or a database, nor follow a trigger's change of hands or what an
// unfinished run has left. Terraform rejects some flags together with a saved plan.
function isPlainRun({ system, settings }: Session): boolean {
  return (
    settings.domain === undefined &&
    !hasData(settings) &&
    settings.trigger !== "terraform" &&
    !isUnfinished(system, settings, "registry") &&
    !isUnfinished(system, settings, "app") &&
    !Object.keys(system.env).some((name) => name.startsWith("TF_CLI_ARGS"))
  );
}

function knownRepository(session: Session): string | undefined {
  const memory = v.safeParse(
    schema,
    readObject(memoryFile(session.system, session.settings.stage)),
  );
  const isCurrent = memory.success && memory.output.stack === hashOfStack(session);
  return isCurrent ? memory.output.repository : undefined;
}

function hashOfStack({ system, terraform }: Session): string {
  const stack = readFileSync(join(system.root, terraform.directory("registry"), "cdk.tf.json"));
  return createHash("sha256").update(stack).digest("hex");
}

function relay() {
  const lines: string[] = [];
  let listener: OnLine | undefined;
  return {
    report: (line: string) => (listener ? listener(line) : void lines.push(line)),
    tell: (report: OnLine) => {
      for (const line of lines.splice(0)) report(line);
      listener = report;
    },
  };
}

function memoryFile(system: Pick<System, "root">, stage: string | undefined): string {
  return join(system.root, stageDirectory(stage), "registry.json");
}
