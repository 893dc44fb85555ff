import { Listr, PRESET_TIMER } from "listr2";
import type { System } from "./system.ts";

/** Takes the output of a step's tools, line by line. */
export type OnLine = (line: string) => void;

/** One step of a command. */
export interface Step<Context> {
  /** What the user reads. */
  readonly title: string;
  readonly enabled?: boolean;
  /** What it runs, for `--dry-run`. */
  readonly does: string;
  /** Does the work; what it returns is shown behind the title. */
  readonly run: (context: Context, report: OnLine) => Promise<string>;
}

/** The enabled steps as text, for `--dry-run`. */
export function describeSteps<Context>(steps: readonly Step<Context>[]): string[] {
  return enabledSteps(steps).map(({ title, does }, index) => `${index + 1}. ${title}: ${does}`);
}

/** Runs steps one after the other: live on a terminal, one line at each start and end elsewhere. */
export async function runSteps<Context>(
  system: System,
  steps: readonly Step<Context>[],
  context: Context,
  verbose = false,
): Promise<void> {
  const live = system.interactive && !system.env.CI && !verbose;
  if (live) await runLive(enabledSteps(steps), context);
  else await runPlain(system, enabledSteps(steps), context, verbose);
}

async function runPlain<Context>(
  system: System,
  steps: readonly Step<Context>[],
  context: Context,
  verbose: boolean,
): Promise<void> {
  for (const { title, run } of steps) {
    const start = system.now();
    system.say(`… ${title}`);
    try {
      const outcome = await run(context, (line) => verbose && system.say(`    ${line}`));
      system.say(`✔ ${title}: ${outcome} [${formatTime(system.now() - start)}]`);
    } catch (error) {
      system.say(`✖ ${title} [${formatTime(system.now() - start)}]`);
      throw error;
    }
  }
}

async function runLive<Context>(steps: readonly Step<Context>[], context: Context): Promise<void> {
  const tasks = steps.map(({ title, run }) => ({
    title,
    task: async (
      _: unknown,
      task: { title: string | undefined; output: string | undefined },
    ): Promise<void> => {
      const outcome = await run(context, (line) => {
        if (line.trim() !== "") task.output = line;
      });
      task.title = `${title}: ${outcome}`;
    },
  }));
  // Interrupts are waited out, so that terraform can write its state.
  await new Listr(tasks, {
    registerSignalListeners: false,
    rendererOptions: { timer: PRESET_TIMER, showErrorMessage: false, collapseErrors: false },
  }).run();
}

function enabledSteps<Context>(steps: readonly Step<Context>[]): Step<Context>[] {
  return steps.filter(({ enabled = true }) => enabled);
}

function formatTime(milliseconds: number): string {
  return milliseconds < 60_000
    ? `${(milliseconds / 1000).toFixed(1)} s`
    : `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
}
