import type { Config } from "./stacks/config-schema.ts";

/**
 * The one file to edit. What may be written here, with ranges and defaults, is explained where
 * `Config` is defined (your editor shows it on hover).
 */
export const config: Config = {
  project: "shop",
  celeryApp: "shop.celery:app",
  env: { DJANGO_SETTINGS_MODULE: "shop.settings" },
  stages: {
    production: {},
  },
};
