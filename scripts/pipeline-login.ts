import { settingsOf } from "./lib/cloud/session.ts";
import { PIPELINE_LOGIN, pipelineLogin } from "./lib/pipeline/login.ts";
import { main } from "./lib/shell/main.ts";

await main(PIPELINE_LOGIN, (system, flags) =>
  pipelineLogin(system, settingsOf(flags.stage), flags),
);
