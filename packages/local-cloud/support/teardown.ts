type Close = () => Promise<void> | void;

/** What has to be closed, in reverse order, all of it even if some of it fails. */
export class Teardown {
  private readonly closes: Close[] = [];

  add(close: Close): void {
    this.closes.push(close);
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.closes.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
