const SHOWN_ERROR_LINES = 60;
const FAILED_COMMAND = "local-exec provisioner error";
/** Lines of an error that say where it was met. */
const LOCATION = /^[│|]?\s*(with \S+,|on \S+ line \d+.*:|\d+: .*)$/;

/** Terraform's errors, each once, after the cloud's own reasons; its last lines where none is marked. */
export function findErrors(output: string): string {
  const lines = output
    .trimEnd()
    .split("\n")
    .filter((line) => !/^[╷╵]$/.test(line));
  const blocks = splitBlocks(lines);
  const errors = blocks.filter(([title]) => /Error: /.test(title ?? ""));
  if (errors.length === 0) return lines.slice(-10).join("\n");
  // The provider warns only when a revision does not start, and nothing else says why.
  const reasons = blocks.filter(([title]) => /Warning: Failed to deploy/.test(title ?? ""));
  const own = errors.map((block) => commandOutput(block, lines) ?? block);
  const shown = foldBlocks([...reasons, ...own])
    .join("\n\n")
    .split("\n");
  return cutMiddle(shown).join("\n");
}

// Where a command printed a lot, the cause is at its end.
function cutMiddle(lines: readonly string[]): readonly string[] {
  const more = lines.length - SHOWN_ERROR_LINES;
  if (more <= 0) return lines;
  const half = SHOWN_ERROR_LINES / 2;
  return [...lines.slice(0, half), `… ${more} lines left out …`, ...lines.slice(-half)];
}

// Terraform repeats it in lines of 78 characters.
function commandOutput([title = "", ...block]: readonly string[], lines: readonly string[]) {
  const address = /with (\S+),/.exec(block.join("\n"))?.[1];
  if (address === undefined || !title.endsWith(FAILED_COMMAND)) return undefined;
  const prefix = `${address} (local-exec): `;
  const printed = lines
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length))
    .filter((line) => !line.startsWith("Executing: "));
  return printed.length > 0 ? printed : undefined;
}

function splitBlocks(lines: readonly string[]): string[][] {
  const blocks: string[][] = [];
  for (const line of lines) {
    if (/^[│|]?\s*(Error|Warning): /.test(line)) blocks.push([line]);
    else blocks.at(-1)?.push(line);
  }
  return blocks;
}

// A plugin that goes away makes every resource fail with the same words.
function foldBlocks(blocks: readonly string[][]): string[] {
  const folded = new Map<string, { text: string; times: number }>();
  for (const block of blocks) {
    const words = block.filter((line) => !LOCATION.test(line)).join("\n");
    const { text = block.join("\n").trimEnd(), times = 0 } = folded.get(words) ?? {};
    folded.set(words, { text, times: times + 1 });
  }
  return [...folded.values()].map(({ text, times }) =>
    times === 1 ? text : `${text}\n(the same ${times} times)`,
  );
}

/** What to do about a lock that is held: one in a bucket outlives a run that was killed. */
export function lockHint(terraform: string, reason: string): string {
  if (!reason.includes("Error acquiring the state lock")) return "";
  const id = /ID:\s+(\S+)/.exec(reason)?.[1] ?? "<ID>";
  return `Another run holds the lock. If there is none (one was killed), run \`${terraform} force-unlock ${id}\` and try again.`;
}

/** What an apply did, in a few words. */
export function findApplied(output: string): string {
  const counts = /Resources: (?:\d+ imported, )?(\d+) added, (\d+) changed, (\d+) destroyed/.exec(
    output,
  );
  if (counts === null) return "applied";
  const [, added, changed, destroyed] = counts.map(Number);
  if (!added && !changed && !destroyed) return "no change";
  return `${added} added, ${changed} changed, ${destroyed} destroyed`;
}
