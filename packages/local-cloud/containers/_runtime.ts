import type { ContainerSpec } from "../stack/blueprint.ts";
import type { Command } from "./_owned-process.ts";

/** What runs on a port of loopback. */
export type CommandFor = (port: number, secrets: Readonly<Record<string, string>>) => Command;

/** How containers are run: as processes, or as images. */
export interface Runtime {
  /** Does what takes long, where it has not been done. The same for all containers of a source. */
  prepare(spec: ContainerSpec, progress: (step: string) => void): Promise<CommandFor>;
  /** Ends what may have outlived its process. */
  cleanUp(spec: ContainerSpec): Promise<void>;
}

export interface RuntimeOptions {
  /** The project's folder. */
  readonly root: string;
  /** Folder for what is made once, such as Python environments. */
  readonly cache: string;
  /** Interpreter, by name or path. @default - `python3`, else `python` */
  readonly python?: string | undefined;
}
