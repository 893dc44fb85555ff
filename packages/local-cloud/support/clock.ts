/** Time, which tests can turn. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `act` once at that time; what it returns cancels that. */
  setTimer(at: number, act: () => void): () => void;
}

/** After a machine's sleep timers are late, and long ones overflow: so they are set again and again. */
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
