import { request } from "../cloud/cloud-api.ts";
import type { Session } from "../cloud/session.ts";
import type { System } from "../shell/system.ts";
import { messageOf } from "../shell/user-error.ts";
import type { CheckResult } from "./check-result.ts";

const GATEWAY_ATTEMPTS = 4;
const GATEWAY_RETRY_MS = 3000;
const GATEWAY_TIMEOUT_MS = 60_000;

/** Whether the site answers at the gateway's own address. */
export async function checkGateway(
  { system, settings }: Session,
  url: string,
): Promise<CheckResult> {
  const status = await firstAnswer(system, gatewayUrl(system, url));
  const flag = settings.stage === undefined ? "" : ` --stage ${settings.stage}`;
  const fix = `Look at the site's log: \`npm run logs -- --container web${flag}\`.`;
  return { check: "gateway", ok: status < 500, found: `${url} answers ${status}`, fix };
}

/** Whether the site answers at its own domain. */
export async function checkDomain(system: System, url: string): Promise<CheckResult> {
  const fix = "Check the domain's CNAME record; `npm run outputs` shows the wanted one.";
  const finding = { check: "domain", fix, minor: true };
  try {
    const status = await firstAnswer(system, gatewayUrl(system, url));
    return { ...finding, ok: status < 500, found: `${url} answers ${status}` };
  } catch (error) {
    return { ...finding, ok: false, found: messageOf(error) };
  }
}

// The first request after a deploy may meet a gateway that is still spreading its new routes.
async function firstAnswer(system: System, url: string): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt === GATEWAY_ATTEMPTS;
    try {
      const signal = AbortSignal.timeout(GATEWAY_TIMEOUT_MS);
      const response = await request(system, url, { redirect: "manual", signal });
      await response.body?.cancel();
      if (response.status < 500 || last) return response.status;
    } catch (error) {
      if (last) throw error;
    }
    await system.sleep(GATEWAY_RETRY_MS);
  }
}

/** YC_GATEWAY_URL replaces the address at which gateways answer, with `{domain}` in it. */
function gatewayUrl({ env }: System, url: string): string {
  const { host } = new URL(url);
  return env.YC_GATEWAY_URL ? env.YC_GATEWAY_URL.replaceAll("{domain}", host) : `${url}/`;
}
