/** A request as it comes to a container. */
export interface ContainerRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** The one message in it, whose log lines the container prints meanwhile. */
  readonly message?: { readonly messageId: string; readonly taskId?: string };
}

/** What a container answers, or the platform in its place. */
export interface ContainerResponse {
  /** The HTTP status. */
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/**
 * Calls a container, by its name. Never rejects for what the cloud answers itself: 413 too large,
 * 429 no capacity, 502 crashed or a response that the platform rejects, 504 out of time.
 */
export type Invoke = (container: string, request: ContainerRequest) => Promise<ContainerResponse>;
