import { Construct } from "constructs";
import { mapRecord } from "./_record.ts";
import { refuseAtSynth } from "./_refusal.ts";
import { ApiGateway } from "./api-gateway.ts";
import { Bucket } from "./bucket.ts";
import {
  type CeleryAppProps,
  checkCeleryApp,
  type ManageProps,
  type ReleaseProps,
} from "./celery-app-props.ts";
import { type CeleryContainer, webContainer, workerContainer } from "./celery-container.ts";
import { type CeleryConnections, ownVariables, renderEnvironment } from "./celery-environment.ts";
import type { CeleryQueueProps } from "./celery-queue.ts";
import { LogGroup } from "./log-group.ts";
import { ManageContainer } from "./manage-container.ts";
import { MessageQueue } from "./message-queue.ts";
import { QueueTrigger, type QueueTriggerProps } from "./queue-trigger.ts";
import { ReleaseStep } from "./release-step.ts";
import { readSchedule } from "./schedule.ts";
import { Secret } from "./secret.ts";
import { ServerlessContainer } from "./serverless-container.ts";
import { ServiceAccount } from "./service-account.ts";
import { StaticKey } from "./static-key.ts";
import { TimerTrigger } from "./timer-trigger.ts";
import { YdbDatabase } from "./ydb-database.ts";

/**
 * The whole system: a Django site behind a gateway, a queue, a trigger that hands each message to a
 * worker container, and a database for the results. No process waits for work, so nothing is paid
 * while there is none.
 *
 * Both containers are private: the gateway invokes the site, the trigger the worker, each with an
 * account of its own. The results table is not created here, because Terraform cannot create document
 * tables: `npm run table` does, before the trigger exists.
 *
 * @example
 * new CeleryApp(this, "Shop", {
 *   name: "shop",
 *   image: image.stringValue,
 *   celeryApp: "shop.celery:app",
 *   env: { DJANGO_SETTINGS_MODULE: "shop.settings" },
 * });
 */
export class CeleryApp extends Construct {
  readonly web: ServerlessContainer;
  /** The same as `web` with `workerPath`. */
  readonly worker: ServerlessContainer;
  /** The containers of further queues that have one of their own, by Celery's names. */
  readonly workers: Readonly<Record<string, ServerlessContainer>>;
  /** Runs commands of `manage.py`, where `manage` asks for it. */
  readonly manage?: ManageContainer;
  readonly queue: MessageQueue;
  /** The further queues, by Celery's names. */
  readonly queues: Readonly<Record<string, MessageQueue>>;
  readonly database: YdbDatabase;
  readonly gateway: ApiGateway;
  readonly logGroup: LogGroup;
  /** The account that both containers run as. */
  readonly account: ServiceAccount;
  readonly resultsTable: string;

  private readonly props: CeleryAppProps;

  constructor(scope: Construct, id: string, props: CeleryAppProps) {
    super(scope, id);
    this.props = props;
    this.resultsTable = props.results?.table ?? "celery";
    this.account = this.defineAccount();
    this.logGroup = new LogGroup(this, "Logs", {
      name: `${props.name}-logs`,
      retentionDays: props.retentionDays,
    });
    const key = props.queueKey === "environment" ? undefined : this.defineQueueKey();
    this.queue = this.defineQueue("Tasks", props, key);
    this.queues = mapRecord(props.queues, (name, it) => this.defineQueue(`Tasks-${name}`, it, key));
    this.database = this.defineDatabase();
    const connections = this.defineConnections();
    const { filledBucket: staticBucket } = this;
    const own = Object.keys(ownVariables({ ...connections, server: "", staticBucket }));
    refuseAtSynth(this, (refuse) => checkCeleryApp(props, own, refuse));
    this.web = this.defineContainer("Web", webContainer(props.web), connections);
    this.worker =
      props.workerPath === undefined
        ? this.defineContainer("Worker", workerContainer(props.worker), connections)
        : this.web;
    this.workers = this.defineWorkers(connections);
    if (props.manage) this.manage = this.defineManage(props.manage, connections);
    this.gateway = this.defineGateway();
    this.defineTriggers();
  }

  private defineAccount(): ServiceAccount {
    const account = new ServiceAccount(this, "Account", {
      name: `${this.props.name}-runtime`,
      description: "Both containers run as this account; its key sends tasks and stores results",
    });
    this.grantPull(account);
    this.props.media?.grantReadWrite(account);
    return account;
  }

  private grantPull(account: ServiceAccount): void {
    const { registry, image } = this.props;
    if (registry) registry.grantPull(account, image);
    else account.grantOnFolder("container-registry.images.puller");
  }

  private defineQueue(
    id: string,
    { maxReceiveCount }: CeleryQueueProps,
    key: StaticKey | undefined,
  ): MessageQueue {
    const queue = new MessageQueue(this, id, {
      name: this.nameOf(id),
      key,
      deadLetters: { maxReceiveCount },
    });
    queue.grantSend(this.account);
    return queue;
  }

  private defineQueueKey(): StaticKey {
    const account = new ServiceAccount(this, "QueueAccount", {
      name: `${this.props.name}-queues`,
      description: "Creates the queues; the message queue takes no other credentials than a key",
    });
    account.grantOnFolder("ymq.admin");
    return new StaticKey(this, "QueueKey", { account });
  }

  private defineDatabase(): YdbDatabase {
    const database = new YdbDatabase(this, "Results", {
      ...this.props.database,
      name: `${this.props.name}-results`,
    });
    database.grantEdit(this.account, this.props.roles?.documentApi);
    return database;
  }

  /** What the containers are told of the rest, with the secrets for it. */
  private defineConnections(): Omit<CeleryConnections, "server"> {
    const { name, celeryApp, hosts = [], results, postgres, media } = this.props;
    const key = Secret.staticKey(this, "Key", { name: `${name}-key`, account: this.account });
    const django = Secret.generate(this, "Django", { name: `${name}-django`, key: "secret_key" });
    return {
      celeryApp,
      queueUrl: this.queue.url,
      queueUrls: mapRecord(this.queues, (_, { url }) => url),
      documentApiEndpoint: this.database.documentApiEndpoint,
      resultsTable: this.resultsTable,
      resultsTtlSeconds: results?.ttlSeconds ?? 86_400,
      hosts,
      postgres,
      mediaBucket: media?.name,
      accessKey: key.value("access_key"),
      secretKey: key.value("secret_key"),
      djangoSecretKey: django.value("secret_key"),
    };
  }

  private defineContainer(
    id: string,
    { server, ...container }: CeleryContainer,
    connections: Omit<CeleryConnections, "server">,
  ): ServerlessContainer {
    return new ServerlessContainer(this, id, {
      ...container,
      ...renderEnvironment(this.props, { ...connections, server }),
      name: this.nameOf(id),
      image: this.props.image,
      account: this.account,
      logGroup: this.logGroup,
      networkId: this.networkId,
    });
  }

  private defineWorkers(
    connections: Omit<CeleryConnections, "server">,
  ): Readonly<Record<string, ServerlessContainer>> {
    const own = Object.entries(this.props.queues ?? {}).filter(([, { worker }]) => worker);
    return mapRecord(Object.fromEntries(own), (name, { worker }) =>
      this.defineContainer(`Worker-${name}`, workerContainer(worker), connections),
    );
  }

  /** What the cloud calls the part of an id: `shop-tasks-heavy` for `Tasks-heavy`. */
  private nameOf(id: string): string {
    return `${this.props.name}-${id.toLowerCase().replaceAll("_", "-")}`;
  }

  private get networkId(): string | undefined {
    return this.props.networkId ?? this.props.postgres?.networkId;
  }

  private defineManage(
    { release, staticFiles, ...manage }: ManageProps,
    connections: Omit<CeleryConnections, "server">,
  ): ManageContainer {
    const account = new ServiceAccount(this, "ManageAccount", {
      name: `${this.props.name}-manage`,
      description: "Commands of manage.py run as this account",
    });
    this.grantPull(account);
    const container = new ManageContainer(this, "Manage", {
      ...manage,
      ...renderEnvironment(this.props, { ...connections, staticBucket: this.filledBucket }),
      name: `${this.props.name}-manage`,
      image: this.props.image,
      account,
      logGroup: this.logGroup,
      networkId: this.networkId,
    });
    if (release) this.defineStep("Release", release, container);
    if (staticFiles && this.filledBucket) {
      // The command has the containers' key.
      Bucket.fromName(this, "StaticFiles", {
        bucketName: this.filledBucket,
      }).grantReadWrite(this.account);
      this.defineStep("Static", staticFiles, container);
    }
    return container;
  }

  private defineStep(id: string, step: ReleaseProps, container: ManageContainer): void {
    const defined = new ReleaseStep(this, id, { ...step, container });
    const followers = new Set([this.web, this.worker, ...Object.values(this.workers)]);
    for (const one of followers) defined.precedes(one);
  }

  /** The bucket of static files, if a deploy puts them there. */
  private get filledBucket(): string | undefined {
    return this.props.manage?.staticFiles && this.props.staticBucket;
  }

  private defineGateway(): ApiGateway {
    const { name, openapi, staticBucket, workerPath } = this.props;
    const gateway = new ApiGateway(this, "Gateway", {
      name: `${name}-gateway`,
      account: new ServiceAccount(this, "GatewayAccount", {
        name: `${name}-gateway`,
        description: "The gateway invokes the site as this account",
      }),
      document: openapi,
      container: openapi && this.web,
      logGroup: this.logGroup,
    });
    if (!openapi) gateway.addContainer("/", this.web);
    if (staticBucket) gateway.addStaticFiles("/static", staticBucket);
    if (workerPath) gateway.addNotFound(workerPath);
    return gateway;
  }

  private defineTriggers(): void {
    const invoker = new ServiceAccount(this, "TriggerAccount", {
      name: `${this.props.name}-trigger`,
      description: "The triggers invoke the worker as this account",
    });
    this.defineQueueTriggers(invoker);
    this.defineTimers(invoker);
  }

  private defineQueueTriggers(invoker: ServiceAccount): void {
    const { name, roles, trigger, queues = {} } = this.props;
    const reader = new ServiceAccount(this, "ReaderAccount", {
      name: `${name}-reader`,
      description: "The trigger reads the queue as this account",
    });
    const define = (
      id: string,
      queue: MessageQueue,
      { batchSize, batchCutoffSeconds }: CeleryQueueProps,
      target: Pick<QueueTriggerProps, "container" | "path">,
    ) =>
      new QueueTrigger(this, id, {
        ...target,
        name: queue.name,
        queue,
        reader,
        readerRole: roles?.queueReader,
        invoker,
        batchSize,
        batchCutoffSeconds,
        trigger,
      });
    define("Trigger", this.queue, this.props, this.target);
    for (const [key, queue] of Object.entries(this.queues)) {
      const container = this.workers[key];
      define(`Trigger-${key}`, queue, queues[key] ?? {}, container ? { container } : this.target);
    }
  }

  private defineTimers(invoker: ServiceAccount): void {
    const { name, trigger, schedule } = this.props;
    for (const timer of schedule === undefined ? [] : readSchedule(this, schedule)) {
      new TimerTrigger(this, `Timer-${timer.name}`, {
        ...this.target,
        name: `${name}-${timer.name}`,
        cron: timer.cron,
        payload: timer.payload,
        invoker,
        trigger,
      });
    }
  }

  /** Where tasks of queues without a container of their own run. */
  private get target(): Pick<QueueTriggerProps, "container" | "path"> {
    return { container: this.worker, path: this.props.workerPath };
  }
}
