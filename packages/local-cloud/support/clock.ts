/** Time, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `act` once at that time; what it returns takes that back. */
  setTimer(at: number, act: () => void): () => void;
}

/** A machine that was asleep has late timers, and long ones overflow: so they are set anew. */
const LONGEST_WAIT_MS = 1000;

/** The machine's clock. Its timers keep no process alive. */
export const realClock: Clock = {
  now: Date.now,
  setTimer(at, act) {
    let timer: NodeJS.Timeout;
    const wait = () => {
      timer = setTimeout(look, Math.min(Math.max(0, at - Date.now()), LONGEST_WAIT_MS));
      timer.unref();
    };
    const look = () => {
      if (Date.now() < at) wait();
      else act();
    };
    wait();
    return () => clearTimeout(timer);
  },
};
