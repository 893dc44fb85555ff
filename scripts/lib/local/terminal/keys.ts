import type { ReadStream } from "node:tty";

const CTRL_C = "\x03";
const CTRL_D = "\x04";

/** What each key does. Capital letters do the same. */
export type Keys = Readonly<Record<string, () => void>>;

/**
 * Reads single keys from a terminal, until the returned function gives it back as it was.
 *
 * @param quit what `q`, Ctrl-C and Ctrl-D do: a terminal that is read so sends no signals
 */
export function readKeys(input: ReadStream, keys: Keys, quit: () => void): () => void {
  const all: Keys = { ...keys, q: quit, [CTRL_C]: quit, [CTRL_D]: quit };
  const take = (text: Buffer) => {
    for (const key of text.toString().toLowerCase()) all[key]?.();
  };
  input.setRawMode(true);
  input.on("data", take);
  input.resume();
  return () => {
    input.off("data", take);
    input.setRawMode(false);
    input.pause();
  };
}
