import { resolveSettings, type Settings } from "../../stacks/settings.ts";

/** Settings of a small project, with what a test cares about. */
export function settings(config: object = {}, stage?: string): Settings {
  return resolveSettings(
    {
      project: "shop",
      celeryApp: "shop.celery:app",
      stages: { production: { staticBucket: false } },
      ...config,
    },
    stage,
  );
}
