import type { ContainerSpec, Variables } from "../stack/blueprint.ts";
import type { ProcessCommand } from "./_owned-process.ts";

/** While something is made that takes long. */
export interface Preparation {
  readonly progress: (step: string) => void;
  /** Something is other than it should be, and it goes on all the same. */
  readonly warn: (message: string) => void;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** Turns a container of the stack into something that can be started: a process, or an image. */
export interface Launcher {
  /** Containers with the same key share what is prepared. */
  keyOf(spec: ContainerSpec): string;
  /** Makes what takes long, unless it is there, and says where it is: a folder, or an image. */
  prepare(spec: ContainerSpec, work: Preparation): Promise<string>;
  /** What to run so that it listens on a port of loopback. */
  command(spec: ContainerSpec, prepared: string, port: number, secrets: Variables): ProcessCommand;
  /** Ends what may have outlived its process. */
  cleanUp(spec: ContainerSpec): Promise<void>;
}

/** What every launcher has to know. */
export interface LauncherOptions {
  /** The project's folder. */
  readonly root: string;
  /** Folder for what is made once, such as Python environments. */
  readonly cache: string;
  /** Interpreter, by name or path. @default - `python3`, else `python` */
  readonly python?: string | undefined;
}
