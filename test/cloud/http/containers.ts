import { holdsToken } from "../rights.ts";
import type { Cloud, Container, Revision } from "../state.ts";
import { bearer, type CloudRequest, type CloudResponse, json, type Service } from "./service.ts";

/** `/containers/<id>/`: a container's own address, which takes the IAM token of whoever may call it. */
export const CONTAINER_URLS: Service = {
  name: "containers",
  handle: (request, context) => context.change((cloud) => call(cloud, request)),
  unavailable: () => json(503, { message: "Service Unavailable" }),
};

function call(cloud: Cloud, request: CloudRequest): CloudResponse | Promise<CloudResponse> {
  const [, id = ""] = /^\/([^/]+)\//.exec(request.path) ?? [];
  const container = cloud.containers[id];
  const token = bearer(request);
  if (!container) return json(404, { message: `Container ${id} not found` });
  if (!token?.startsWith("t1.")) return json(401, { message: "The token is invalid" });
  if (isLate(cloud) || !holdsToken(cloud, token, id)) return json(403, { message: "Forbidden" });
  const revision = container.revisions.find(({ status }) => status === "ACTIVE");
  if (!revision) return json(404, { message: `Container ${id} has no active revision` });
  return isTask(revision) ? runTask(cloud, revision, request) : serve(container, revision);
}

// As the platform does: always 200, and the command's own end in a header.
function runTask(
  cloud: Cloud,
  { digest }: Revision,
  { body }: CloudRequest,
): CloudResponse | Promise<CloudResponse> {
  const words = readWords(body.toString("utf8"));
  if (words === undefined) return ended({ exitCode: 2, output: "The request names no command\n" });
  const line = words.join(" ");
  cloud.log.push(`manage ${digest} ${line}`);
  if (cloud.faults.commands === "hang") return new Promise(() => {});
  if (cloud.faults.commands === "timeout") return json(504, { message: "Timeout" });
  return ended(cloud.commands?.[line] ?? {});
}

function ended({ exitCode = 0, output = "" }: NonNullable<Cloud["commands"]>[string]) {
  return { status: 200, headers: { "x-task-exit-code": `${exitCode}` }, body: output };
}

function serve({ name }: Container, { id }: Revision): CloudResponse {
  return { status: 200, body: `Container ${name}, revision ${id}\n` };
}

function isLate({ faults }: Cloud): boolean {
  if (!faults.lateInvokers) return false;
  faults.lateInvokers -= 1;
  return true;
}

function isTask({ inputs }: Revision): boolean {
  const { runtime = [] } = inputs as { runtime?: { type?: string }[] };
  return runtime.some(({ type }) => type === "task");
}

function readWords(text: string): string[] | undefined {
  try {
    const { manage } = JSON.parse(text) as { manage?: string[] };
    return manage?.length ? manage : undefined;
  } catch {
    return undefined;
  }
}
