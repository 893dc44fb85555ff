import { loadSettings } from "../stacks/settings.ts";
import { main } from "./lib/main.ts";
import { PIPELINE_LOGIN, pipelineLogin } from "./lib/pipeline-login.ts";

await main(PIPELINE_LOGIN, (world, flags) =>
  pipelineLogin(world, loadSettings(flags.stage), flags),
);
