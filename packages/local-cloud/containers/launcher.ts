import type { ContainerSpec, Variables } from "../stack/blueprint.ts";
import type { ProcessCommand } from "../support/owned-process.ts";

/** What a long preparation reports to, and what ends it. */
export interface Preparation {
  readonly progress: (step: string) => void;
  /** Something is wrong, but the preparation goes on. */
  readonly warn: (message: string) => void;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** Turns a container of the stack into something that can be started: a process, or an image. */
export interface Launcher {
  /** Containers with the same key share what is prepared. */
  keyOf(spec: ContainerSpec): string;
  /** Prepares what takes long, unless it exists. Returns where it is: a folder, or an image. */
  prepare(spec: ContainerSpec, work: Preparation): Promise<string>;
  /** What to run so that it listens on a port of loopback. */
  command(spec: ContainerSpec, prepared: string, port: number, secrets: Variables): ProcessCommand;
  /** Ends what may have outlived its process. @default - nothing does */
  cleanUp?(spec: ContainerSpec): Promise<void>;
}

/** What every launcher has to know. */
export interface LauncherOptions {
  /** The project's folder. */
  readonly root: string;
  /** Folder for what is created once: Python environments, made-up secrets. */
  readonly cache: string;
  /** Interpreter, by name or path. @default - `python3`, else `python` */
  readonly python?: string | undefined;
}
