export type GrpcCode =
  | "InvalidArgument"
  | "NotFound"
  | "AlreadyExists"
  | "PermissionDenied"
  | "ResourceExhausted"
  | "FailedPrecondition"
  | "Internal"
  | "Unavailable"
  | "Unauthenticated";

/** What the cloud's API answers instead of doing what it was asked for. */
export class CloudError extends Error {
  readonly code: GrpcCode;

  constructor(code: GrpcCode, message: string) {
    super(message);
    this.code = code;
  }
}
