const COLOURS: Readonly<Record<string, string>> = {
  "1": "font-weight: bold",
  "2": "color: #8b949e",
  "31": "color: #ff7b72",
  "32": "color: #7ee787",
  "33": "color: #e3b341",
  "36": "color: #79c0ff",
};
const ESCAPED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const CLEAR_LINE = "\x1b[K";
/** Ends every style that `util.styleText` begins: 22 bold and dim, 39 colours. */
const ENDS = ["0", "22", "39"];

/** A page that looks like a terminal in which a command has printed a text. */
export function renderTerminal(command: string, output: string): string {
  const lines = output.trimEnd().split("\n").map(lastWritten);
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; padding: 14px 18px; background: #0d1117; color: #e6edf3; }
    div { font: 12.5px/1.5 "DejaVu Sans Mono", monospace; min-height: 1.5em; }
    div { white-space: pre; overflow: hidden; text-overflow: ellipsis; }
  </style>${[`\x1b[2m$\x1b[22m ${command}`, ...lines].map(renderLine).join("")}`;
}

// The line that says what is being done is written over.
function lastWritten(line: string): string {
  return line.replaceAll("\r", "").split(CLEAR_LINE).at(-1) ?? "";
}

function renderLine(line: string): string {
  const escaped = line.replaceAll(/[&<>]/g, (character) => ESCAPED[character] ?? "");
  const [first = "", ...parts] = escaped.split("\x1b[");
  const html = parts.map((part) => part.replace(/^(\d+)m/, (_, code: string) => renderStyle(code)));
  return `<div>${first}${html.join("")}</div>`;
}

function renderStyle(code: string): string {
  return ENDS.includes(code) ? "</span>" : `<span style="${COLOURS[code] ?? ""}">`;
}
