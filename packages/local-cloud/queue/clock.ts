/** Time, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `act` once at that time; what it returns takes that back. */
  setTimer(at: number, act: () => void): () => void;
}

/** The machine's clock. Its timers keep no process alive. */
export const realClock: Clock = {
  now: Date.now,
  setTimer(at, act) {
    const timer = setTimeout(act, Math.max(0, at - Date.now()));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
