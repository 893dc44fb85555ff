import { iamToken } from "../views.ts";
import { bearer, type CloudRequest, type CloudResponse, json, type Service } from "./service.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
const WANTED = "urn:ietf:params:oauth:token-type:access_token";
const GIVEN = "urn:ietf:params:oauth:token-type:id_token";
const FORM = "application/x-www-form-urlencoded";

/** The host that turns a pipeline's OIDC token into an IAM token. */
export const TOKEN_EXCHANGE: Service = {
  name: "auth",
  handle: (request) => {
    if (request.method !== "POST" || request.path !== "/oauth/token") return json(404, {});
    const problem = findProblem(request);
    if (problem) return json(problem === "invalid_client" ? 401 : 400, { error: problem });
    const audience = new URLSearchParams(request.body.toString("utf8")).get("audience") ?? "";
    return json(200, {
      access_token: iamToken(`serviceAccount:${audience}`),
      issued_token_type: WANTED,
      token_type: "Bearer",
      expires_in: 43_200,
    });
  },
  unavailable: () => json(503, { error: "temporarily_unavailable" }),
};

/** What GitHub offers a job with `id-token: write`: its own token for an audience. */
export const PIPELINE_TOKEN: Service = {
  name: "pipeline-token",
  handle: (request): CloudResponse => {
    if (!bearer(request)) return json(401, { message: "A token is required" });
    const audience = request.query.get("audience") ?? "https://github.com/owner";
    const payload = Buffer.from(JSON.stringify({ aud: audience })).toString("base64url");
    return json(200, { value: `eyJhbGciOiJub25lIn0.${payload}.c3RhbmRpbg` });
  },
  unavailable: () => json(503, {}),
};

function findProblem({ headers, body }: CloudRequest): string | undefined {
  const form = new URLSearchParams(body.toString("utf8"));
  if (!headers["content-type"]?.startsWith(FORM)) return "invalid_request";
  if (form.get("grant_type") !== GRANT) return "unsupported_grant_type";
  if (form.get("requested_token_type") !== WANTED) return "invalid_request";
  if (form.get("subject_token_type") !== GIVEN || !form.get("audience")) return "invalid_request";
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(form.get("subject_token") ?? "")
    ? undefined
    : "invalid_client";
}
