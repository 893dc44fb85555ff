import { App, Fn, TerraformStack, TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { CeleryApp } from "../constructs/celery-app.ts";
import { configureStack } from "../constructs/configure-stack.ts";
import { ContainerRegistry } from "../constructs/container-registry.ts";
import { GatewayDomain } from "../constructs/domain.ts";
import type { OpenApiDocument } from "../constructs/open-api.ts";
import { Secret } from "../constructs/secret.ts";
import type { ServerlessContainer } from "../constructs/serverless-container.ts";
import { defineOutputs } from "./define-outputs.ts";
import { stateLocation } from "./directories.ts";
import { certificateName } from "./domain.ts";
import type { AppOutputs } from "./outputs.ts";
import { REPOSITORY, registryName } from "./registry.ts";
import { type DomainSettings, namePrefix, type Settings, stackId } from "./settings.ts";
import { CERTIFICATE_VARIABLE } from "./variables.ts";

/** The system itself. Its outputs are what the commands and the local cloud need to know about it. */
export class AppStack extends TerraformStack {
  readonly celery: CeleryApp;

  private readonly settings: Settings;

  constructor(scope: Construct, settings: Settings, openapi?: OpenApiDocument) {
    super(scope, stackId("app", settings.stage));
    this.settings = settings;
    configureStack(this, {
      folderId: settings.folderId,
      state: stateLocation(settings, "app", App.of(this).outdir),
    });
    this.celery = new CeleryApp(this, "Celery", {
      ...settings,
      name: namePrefix(settings),
      image: this.defineImage(),
      registry: ContainerRegistry.fromName(this, "Images", {
        registryName: registryName(settings),
        repository: REPOSITORY,
      }),
      secrets: this.defineSecrets(),
      hosts: settings.domain ? [settings.domain.fqdn] : [],
      openapi,
    });
    this.defineOutputs();
  }

  private defineImage(): string {
    const image = new TerraformVariable(this, "image", {
      type: "string",
      nullable: false,
      // Rejected below. Without a default `cdktf deploy` would prompt for a value and wait forever.
      default: "",
      description:
        "The image of both containers, by digest: cr.yandex/<registry>/<repository>@sha256:<64 hex digits>. `npm run image` builds, pushes and remembers it",
      validation: [
        {
          condition:
            '${can(regex("^cr\\\\.yandex/[a-z0-9]+/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$", var.image))}',
          errorMessage:
            "The image must be given by digest: cr.yandex/<registry>/<repository>@sha256:<64 hex digits>. Run `npm run image`, which builds, pushes and remembers it.",
        },
      ],
    });
    image.overrideLogicalId("image");
    return image.stringValue;
  }

  private defineSecrets() {
    const entries = Object.entries(this.settings.secrets ?? {}).map(
      ([variable, { key, ...secret }]) => [
        variable,
        Secret.fromLockbox(this, `Secret-${variable}`, secret).value(key),
      ],
    );
    return Object.fromEntries(entries);
  }

  private defineOutputs(): void {
    const { celery, settings } = this;
    const gatewayUrl = `https://${celery.gateway.domain}`;
    const domain = settings.domain && this.defineDomain(settings.domain);
    defineOutputs<Omit<AppOutputs, "triggers">>(this, {
      gateway: { id: celery.gateway.id, domain: celery.gateway.domain },
      containers: mapContainers(celery, describeContainer),
      queues: { url: celery.queue.url, deadLetterUrl: celery.queue.deadLetterQueue?.url },
      document_api_endpoint: celery.database.documentApiEndpoint,
      results_table: celery.resultsTable,
      local: {
        containers: mapContainers(celery, ({ command }) => ({
          source: settings.image.context,
          dockerfile: settings.image.dockerfile,
          requirements: settings.image.requirements,
          workdir: settings.image.workdir,
          command,
        })),
        table: celery.resultsTable,
        ports: { site: 8000, queue: 9324, tables: 8001 },
      },
      next_steps: describeNextSteps(settings),
      domain,
      url: domain
        ? Fn.conditional(domain.attached, `https://${domain.fqdn}`, gatewayUrl)
        : gatewayUrl,
    });
  }

  private defineDomain(domain: DomainSettings) {
    const known = new TerraformVariable(this, "KnownCertificate", {
      type: "map(string)",
      nullable: false,
      default: {},
      description:
        "What is known of a certificate that cannot be looked up because it is INVALID: id, status, attached",
    });
    known.overrideLogicalId(CERTIFICATE_VARIABLE);
    const { attached, status, records } = new GatewayDomain(this, "Domain", {
      ...domain,
      gateway: this.celery.gateway,
      certificateName: certificateName(this.settings),
      known: known.value,
    });
    return { fqdn: domain.fqdn, attached, status, records };
  }
}

function mapContainers<T>(
  { web, worker }: CeleryApp,
  describe: (container: ServerlessContainer) => T,
): Record<string, T> {
  const containers = web === worker ? { web } : { web, worker };
  return Object.fromEntries(Object.entries(containers).map(([role, c]) => [role, describe(c)]));
}

/** What a bare `cdktf deploy` prints at the end: the steps that Terraform cannot do. */
function describeNextSteps({ trigger, stage }: Settings): string[] {
  const flag = stage === undefined ? "" : ` --stage ${stage}`;
  const command = (name: string) => `npm run ${name}${flag && ` --${flag}`}`;
  const byScript = trigger === "yc";
  return [
    "After `cdktf deploy` these remain (`npm run deploy` does them too):",
    `${command("table")}: makes the table of results, unless it exists`,
    ...(byScript
      ? [
          `${command("trigger")}: makes the triggers; again whenever a container was replaced, since it has a new id then`,
        ]
      : []),
    `${command("verify")}: compares what runs with what was deployed`,
    ...(byScript
      ? [`npm run trigger -- --delete${flag}: before \`cdktf destroy\`, which leaves the triggers`]
      : []),
  ];
}

function describeContainer({ id, image, fingerprint }: ServerlessContainer) {
  return { id, image, fingerprint };
}
