import {
  Fn,
  type LocalExecProvisioner,
  Op,
  type Postcondition,
  propertyAccess,
  TerraformSelf,
} from "cdktf";
import { FINGERPRINT_KEY } from "./_container-environment.ts";

const CAUSES =
  "Likely causes: the image is not in the registry (push it, then deploy its digest); the " +
  "container's account has no right to pull it or to read one of its secrets, or has had it for " +
  "only a few seconds; a version of a secret is destroyed or has no such entry; a quota is used " +
  "up. The provider's warning has the cloud's own words.";

/** The first revision: a container that has none is taken for complete by every later plan. */
export function failWithoutRevision(name: string): LocalExecProvisioner {
  return {
    type: "local-exec",
    interpreter: ["sh", "-c"],
    command: '[ "$REVISION" != none ] || { echo "$MESSAGE" >&2; exit 1; }',
    environment: {
      REVISION: Fn.coalesce([TerraformSelf.getString("revision_id"), "none"]),
      MESSAGE:
        `The first revision of container ${name} did not start. ${CAUSES} Fix the cause and ` +
        "deploy again: the container is recreated, with a new id, so run `npm run trigger` after " +
        "a bare `cdktf deploy`.",
    },
  };
}

/** Later revisions: when one does not start, the provider reads the previous one back. */
export function failOnOldRevision(name: string, fingerprint: string): Postcondition {
  const active = propertyAccess(TerraformSelf.getAny("image"), [0, "environment", FINGERPRINT_KEY]);
  return {
    condition: Op.eq(active, fingerprint),
    errorMessage:
      `The new revision of container ${name} did not start; the previous one still answers. ` +
      `${CAUSES} Fix the cause and deploy again.`,
  };
}
