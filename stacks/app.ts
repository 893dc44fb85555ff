import { App, Fn, TerraformStack, TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { mapRecord } from "../constructs/_record.ts";
import { Bucket } from "../constructs/bucket.ts";
import { CeleryApp } from "../constructs/celery-app.ts";
import type { ManageProps } from "../constructs/celery-app-props.ts";
import type { PostgresProps } from "../constructs/celery-environment.ts";
import { configureStack } from "../constructs/configure-stack.ts";
import { ContainerRegistry } from "../constructs/container-registry.ts";
import { Dashboard } from "../constructs/dashboard.ts";
import { GatewayDomain } from "../constructs/domain.ts";
import type { MessageQueue } from "../constructs/message-queue.ts";
import type { OpenApiDocument } from "../constructs/open-api.ts";
import { NEWEST_VERSION, PostgresCluster } from "../constructs/postgres-cluster.ts";
import { Secret } from "../constructs/secret.ts";
import type { ServerlessContainer } from "../constructs/serverless-container.ts";
import { clusterName, mediaBucketName } from "./data.ts";
import { defineOutputs } from "./define-outputs.ts";
import { pathToProject, stateLocation } from "./directories.ts";
import { certificateName } from "./domain.ts";
import type { AppOutputs } from "./outputs.ts";
import { REPOSITORY, registryName } from "./registry.ts";
import { type DomainSettings, namePrefix, type Settings, stackId } from "./settings.ts";
import { CALLER_VARIABLE, CERTIFICATE_VARIABLE } from "./variables.ts";

/** What the worker package's container of commands fills the bucket of static files by. */
const UPLOAD_STATIC = ["upload-static"];

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
      postgres: this.findPostgres(),
      media: this.findMedia(),
      manage: this.defineManage(),
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

  private findPostgres(): PostgresProps | undefined {
    const { postgres } = this.settings;
    if (!postgres) return undefined;
    const { database, caFile } = postgres;
    const name = clusterName(this.settings);
    return { ...PostgresCluster.connect(this, "Postgres", { name, database }), caFile };
  }

  private findMedia(): Bucket | undefined {
    if (!this.settings.media) return undefined;
    return Bucket.fromName(this, "Media", { bucketName: mediaBucketName(this, this.settings) });
  }

  private defineManage(): ManageProps | undefined {
    const { manage, release, staticBucket } = this.settings;
    if (!manage) return undefined;
    const project = pathToProject(App.of(this).outdir, this.node.id);
    const command = `npm --prefix ${project} run --silent manage`;
    return {
      ...manage,
      caller: this.defineCaller(),
      release: release && { words: release, command },
      staticFiles: staticBucket ? { words: UPLOAD_STATIC, command } : undefined,
    };
  }

  private defineCaller(): string {
    const caller = new TerraformVariable(this, "Caller", {
      type: "string",
      nullable: false,
      default: "",
      description:
        "Who may run commands of manage.py, e.g. userAccount:<id>: whoever deploys. `npm run image` remembers it",
      validation: [
        {
          condition: `\${can(regex("^(userAccount|federatedUser|serviceAccount):[a-z0-9]+$", var.${CALLER_VARIABLE}))}`,
          errorMessage:
            "Who deploys is not known. Run `npm run image`, which remembers it, or set TF_VAR_caller to userAccount:<id>, federatedUser:<id> or serviceAccount:<id>.",
        },
      ],
    });
    caller.overrideLogicalId(CALLER_VARIABLE);
    return caller.stringValue;
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
    const dashboard = settings.dashboard ? this.defineDashboard() : undefined;
    defineOutputs<Omit<AppOutputs, "triggers">>(this, {
      gateway: { id: celery.gateway.id, domain: celery.gateway.domain },
      containers: mapContainers(celery, describeContainer),
      queues: describeQueues(celery),
      document_api_endpoint: celery.database.documentApiEndpoint,
      results_table: celery.resultsTable,
      manage: celery.manage && { url: celery.manage.url, caller: celery.manage.caller },
      local: {
        containers: mapContainers(celery, ({ command }) => ({
          source: settings.image.context,
          dockerfile: settings.image.dockerfile,
          requirements: settings.image.requirements,
          workdir: settings.image.workdir,
          command,
        })),
        table: celery.resultsTable,
        ...describePostgres(settings),
        media: settings.media && { bucket: mediaBucketName(this, settings) },
        release: settings.release,
        ports: {
          ...{ site: 8000, queue: 9324, tables: 8001 },
          ...(settings.postgres && { postgres: 5432 }),
          ...(settings.media && { storage: 9000 }),
        },
      },
      next_steps: describeNextSteps(settings),
      domain,
      dashboard: dashboard?.url,
      url: domain
        ? Fn.conditional(domain.attached, `https://${domain.fqdn}`, gatewayUrl)
        : gatewayUrl,
    });
  }

  private defineDashboard(): Dashboard {
    const { gateway, queue, queues } = this.celery;
    return new Dashboard(this, "Dashboard", {
      name: namePrefix(this.settings),
      queues: [queue, ...Object.values(queues)],
      containers: Object.values(mapContainers(this.celery, (container) => container)),
      gateway,
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

// The cluster's version is the other stack's; here it says what to run locally.
function describePostgres({ postgres }: Settings) {
  if (!postgres) return {};
  const { version = NEWEST_VERSION, database } = postgres;
  return { postgres: { version, database, user: database } };
}

function mapContainers<T>(
  { web, worker, workers, manage }: CeleryApp,
  describe: (container: ServerlessContainer) => T,
): Readonly<Record<string, T>> {
  const own = Object.entries(workers).map(([queue, it]) => [`worker-${queue}`, it] as const);
  const containers: Readonly<Record<string, ServerlessContainer>> = {
    ...{ web, ...(web !== worker && { worker }) },
    ...Object.fromEntries(own),
    ...(manage && { manage }),
  };
  return mapRecord(containers, (_, container) => describe(container));
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

function describeQueues({ queue, queues }: CeleryApp) {
  const further = mapRecord(queues, (_, it) => describeQueue(it));
  return { ...describeQueue(queue), ...(Object.keys(further).length > 0 && { further }) };
}

function describeQueue({ url, deadLetterQueue }: MessageQueue) {
  return { url, deadLetterUrl: deadLetterQueue?.url };
}
