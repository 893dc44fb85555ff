import type { EventStore } from "../../../../packages/local-cloud/events/store.ts";
import type { StartupInfo } from "./header.ts";

/** Shows what the local cloud does. */
export interface Reporter {
  /** It listens; nothing runs yet. */
  starting(info: StartupInfo, events: EventStore): void;
  /** Everything was started, after so many milliseconds. `down`: containers that crash. */
  running(milliseconds: number, down: readonly string[]): void;
  /** A line from whoever controls it. */
  note(text: string): void;
  /** Shows what is left, and nothing more. */
  end(): void;
}
