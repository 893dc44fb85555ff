import { fail } from "../behaviour.ts";
import { text } from "../values.ts";

interface Named {
  name: string;
  folderId?: string;
}

/** What a data source was asked for: exactly one of id and name. */
export interface Wanted {
  readonly id?: unknown;
  readonly name?: unknown;
  readonly folder?: unknown;
}

/** The one thing with this id, or with this name in the folder. */
export function findByIdOrName<T extends Named>(
  things: Record<string, T>,
  wanted: Wanted,
  what: string,
): [string, T] {
  const id = text(wanted.id);
  const name = text(wanted.name);
  if (!id && !name) fail("InvalidArgument", `one of id or name of ${what} must be specified`);
  const folder = text(wanted.folder);
  const entry = Object.entries(things).find(([key, thing]) =>
    id
      ? key === id
      : thing.name === name && (!folder || !thing.folderId || thing.folderId === folder),
  );
  return entry ?? fail("NotFound", `${what} ${id || name} not found`);
}
