/** An entry of a log group, as `yc logging read --format json` prints it. */
export interface LogEntry {
  /** Tells it from all others, whenever and however often it is read. */
  readonly uid: string;
  /** When it was written: RFC 3339. */
  readonly timestamp: string;
  /** `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL`; absent for a line that named none. */
  readonly level?: string;
  readonly message?: string;
  /** Every field of a line that was a JSON object, but level and message. */
  readonly json_payload?: Readonly<Record<string, unknown>>;
  /** What has written it: `serverless.container` and the container's id. */
  readonly resource?: { readonly type?: string; readonly id?: string };
  /** The container's revision id. */
  readonly stream_name?: string;
}
