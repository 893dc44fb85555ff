import { App } from "cdktf";
import { config } from "./config.ts";
import { raiseQuotas } from "./constructs/_quotas.ts";
import { acceptAnyway } from "./constructs/_refusal.ts";
import { loadOpenApi } from "./constructs/open-api.ts";
import { AppStack } from "./stacks/app.ts";
import { DataStack } from "./stacks/data.ts";
import { DomainStack } from "./stacks/domain.ts";
import { RegistryStack } from "./stacks/registry.ts";
import { hasData, resolveSettings } from "./stacks/settings.ts";
import { synthesize } from "./stacks/synthesize.ts";

// The system at a glance:
//
//   browser ── gateway ── web container ──┐ task.delay()
//                                         ▼
//   worker container ◄── trigger ◄── message queue ── dead letters
//          └── results ──► YDB (Document API)
//
// `registry` comes first, since the image is pushed to it before `app` can run it. `domain` holds
// the certificate, apart from `app`, so that a renewal never stands in a deploy's way. `data` holds
// what outlives `app`: a PostgreSQL for Django, where `config.ts` asks for one.

const settings = resolveSettings(config, process.env.STAGE || undefined);
const app = new App();
acceptAnyway(app, settings.accept ?? []);
raiseQuotas(app, settings.quotas ?? {});

new RegistryStack(app, settings);
if (settings.domain) new DomainStack(app, settings, settings.domain);
if (hasData(settings)) new DataStack(app, settings);
new AppStack(app, settings, settings.openapi ? await loadOpenApi(settings.openapi) : undefined);

synthesize(app, settings);
