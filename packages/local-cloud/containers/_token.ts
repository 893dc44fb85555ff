import { randomBytes } from "node:crypto";

const TOKEN_BYTES = 16;

/** What the platform's IAM token is in the cloud: who has it may call a container. */
export const TOKEN = randomBytes(TOKEN_BYTES).toString("hex");
/** The variable by which the settings of our gunicorn know it. */
export const TOKEN_VARIABLE = "LOCAL_CLOUD_TOKEN";
/** The header that carries it. */
export const TOKEN_HEADER = "x-local-cloud-token";
