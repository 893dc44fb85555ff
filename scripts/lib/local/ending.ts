import type { Interrupted } from "../shell/interrupt.ts";

/** The end of something that runs until somebody stops it. */
export class Ending {
  /** Resolves at the end: with the signal, if it was one. */
  readonly came: Promise<Interrupted | undefined>;

  private resolve: (interrupted?: Interrupted) => void = () => {};

  constructor() {
    this.came = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  come(interrupted?: Interrupted): void {
    this.resolve(interrupted);
  }
}
