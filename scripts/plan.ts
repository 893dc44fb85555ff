import { openSession, settingsOf } from "./lib/cloud/session.ts";
import { givenImage } from "./lib/image/image.ts";
import { planStacks } from "./lib/plan.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "plan",
  summary: "Prints the plan of every stack: what a deploy would change. Changes nothing.",
  flags: {
    stage: STAGE,
    image: {
      type: "string",
      value: "cr.yandex/…@sha256:…",
      help: "image to plan with; the remembered or the deployed one otherwise",
    },
  },
} as const;

await main(command, async (system, { stage, image }) => {
  const session = await openSession(system, settingsOf(stage));
  await planStacks(session, givenImage(image, system.env));
});
