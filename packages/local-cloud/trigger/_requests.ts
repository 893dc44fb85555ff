import type { ContainerRequest } from "../containers/invoke.ts";
import { resourceId } from "../stack/local-ids.ts";

/** A POST of an event, as a trigger sends it to a container. */
export function eventRequest(
  container: string,
  path: string,
  event: string,
  details: Pick<ContainerRequest, "message"> & { readonly id: string },
): ContainerRequest {
  const { id, ...request } = details;
  return {
    ...request,
    method: "POST",
    path,
    headers: [
      ["host", `${resourceId("bba", container)}.containers.yandexcloud.net`],
      ["content-type", "application/json"],
      ["x-request-id", id],
    ],
    body: Buffer.from(event),
  };
}

/** Whether the trigger takes an answer for success. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
