import type { IncomingHttpHeaders } from "node:http";
import { RUNTIME_KEY } from "../stack/local-ids.ts";

/**
 * Whether a container of the stack sends a request, by the name of the key that signs it. Who wants
 * to can use another key: it is a guard against surprises in the cloud, not against attackers.
 */
export function isContainer({ authorization }: IncomingHttpHeaders): boolean {
  return authorization?.includes(`Credential=${RUNTIME_KEY}/`) ?? false;
}
