import type { Config } from "./stacks/config-schema.ts";

/** To be copied over the one in the repository's root. */
export const config: Config = {
  project: "album",
  celeryApp: "album.celery:app",
  image: { context: "examples/django-postgres" },
  env: { DJANGO_SETTINGS_MODULE: "album.settings" },
  postgres: {},
  media: true,
  queues: { heavy: { worker: { memoryMib: 1024, timeoutSeconds: 300 } } },
  schedule: "database",
  stages: {
    production: {},
  },
};
