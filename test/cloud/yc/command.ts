import { type Call, type Command, UsageError } from "../cli.ts";
import { CloudError } from "../errors.ts";
import type { Cloud, YcProfile } from "../state.ts";

/** A command of `yc`; what `run` returns is printed in the format asked for. */
export interface YcCommand extends Command<Context> {
  /** Reads the profile only, so it works without a login. */
  readonly local?: boolean;
}

export interface Context {
  readonly profile: YcProfile | undefined;
  /** The folder of the flag, else of the profile. */
  readonly folderId: string;
  read<T>(read: (cloud: Cloud) => T): T;
  change<T>(change: (cloud: Cloud) => T): T;
}

/** Output that is printed as it stands in text form. */
export class Text {
  readonly text: string;
  readonly data: unknown;

  constructor(text: string, data: unknown = text) {
    this.text = text;
    this.data = data;
  }
}

export interface Named {
  id: string;
  name?: string;
  folder_id?: string;
}

/** Finds what the positional arguments, `--id` and `--name` point at. */
export function select<T extends Named>(call: Call, what: string, items: readonly T[]): T[] {
  const ids = call.list("id");
  const names = call.list("name");
  if (call.args.length + ids.length + names.length === 0) {
    throw new UsageError(`${what} id or name is required`);
  }
  return [
    ...call.args.map((word) => items.find(({ id }) => id === word) ?? byName(what, items, word)),
    ...ids.map((id) => byId(what, items, id)),
    ...names.map((name) => byName(what, items, name)),
  ];
}

export function byId<T extends Named>(what: string, items: readonly T[], id: string): T {
  const found = items.find((item) => item.id === id);
  if (found) return found;
  const noun = what.charAt(0).toUpperCase() + what.slice(1);
  throw new CloudError("NotFound", `${noun} ${id} not found`);
}

export function byName<T extends Named>(what: string, items: readonly T[], name: string): T {
  const found = items.find((item) => item.name === name);
  if (found) return found;
  throw new UsageError(`${what} with name ${JSON.stringify(name)} not found`);
}

/** One thing alone, several as a list: how `get` prints. */
export function oneOrAll<T>(items: readonly T[]): T | readonly T[] {
  return items.length === 1 && items[0] !== undefined ? items[0] : items;
}

export function limited<T>(call: Call, items: readonly T[]): readonly T[] {
  return items.slice(0, Number(call.text("limit") ?? 1000));
}

export function inFolder<T extends Named>(context: Context, items: readonly T[]): T[] {
  return items.filter(({ folder_id }) => folder_id === context.folderId);
}
