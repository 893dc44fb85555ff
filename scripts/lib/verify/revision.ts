import * as v from "valibot";
import type { Session } from "../cloud/session.ts";
import { parseImage } from "../image/registry-images.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import type { CheckResult } from "./check-result.ts";

/** Whether a container runs what was deployed. */
export async function checkRevision(
  { api }: Session,
  role: string,
  container: DeployedApp["containers"][string],
): Promise<CheckResult> {
  const query = { containerId: container.id };
  const path = "/containers/v1/revisions";
  const list = await api.list("serverless-containers", path, "revisions", query);
  const active = v.parse(revisionsSchema, list).find(({ status }) => status === "ACTIVE");
  return compareRevision(role, container, active);
}

const revisionsSchema = v.array(
  v.object({
    id: v.string(),
    status: v.string(),
    image: v.object({
      imageDigest: v.optional(v.string(), ""),
      environment: v.optional(v.record(v.string(), v.string()), {}),
    }),
  }),
);

type Revision = v.InferOutput<typeof revisionsSchema>[number];

/** Whether the active revision is the one that was deployed. */
export function compareRevision(
  role: string,
  wanted: DeployedApp["containers"][string],
  active: Revision | undefined,
): CheckResult {
  const check = `${role}: active revision`;
  const fix = "Run `npm run deploy` again.";
  if (active === undefined) return { check, ok: false, found: "none", fix };
  const { digest } = parseImage(wanted.image);
  if (active.image.imageDigest !== digest) {
    const found = `image ${shorten(active.image.imageDigest)} instead of ${shorten(digest)}`;
    return { check, ok: false, found, fix };
  }
  if (active.image.environment.REVISION_FINGERPRINT !== wanted.fingerprint) {
    return { check, ok: false, found: "settings other than the deployed ones", fix };
  }
  return { check, ok: true, found: `${active.id}, image ${shorten(digest)}` };
}

function shorten(digest: string): string {
  return digest.slice(0, "sha256:".length + 12) || "unknown";
}
