import { clip } from "../../shell/style.ts";

const CLEAR_LINE = "\r\x1b[K";

/** A stream such as standard output. */
export interface TextOutput {
  write(text: string): unknown;
  readonly columns?: number;
}

/** Lines that stay, and on a terminal one last line that is rewritten while something goes on. */
export class Screen {
  private readonly output: TextOutput;
  private readonly live: boolean;
  private current = "";

  /** @param live whether the output is a terminal; elsewhere a status is left out */
  constructor(output: TextOutput, live: boolean) {
    this.output = output;
    this.live = live;
  }

  lines(texts: readonly string[]): void {
    if (texts.length === 0) return;
    const clear = this.current === "" ? "" : CLEAR_LINE;
    this.output.write(`${clear}${texts.join("\n")}\n${this.current}`);
  }

  /** Shows what goes on; an empty text takes the line away. */
  status(text: string): void {
    if (!this.live) return;
    const { columns = 80 } = this.output;
    const line = clip(text, columns - 1);
    if (line !== this.current) this.output.write(`${CLEAR_LINE}${line}`);
    this.current = line;
  }
}
