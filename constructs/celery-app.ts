import { Construct } from "constructs";
import { refuseAtSynth } from "./_refusal.ts";
import { ApiGateway } from "./api-gateway.ts";
import { type CeleryAppProps, checkCeleryApp } from "./celery-app-props.ts";
import { type CeleryContainer, webContainer, workerContainer } from "./celery-container.ts";
import { type CeleryConnections, renderEnvironment } from "./celery-environment.ts";
import { LogGroup } from "./log-group.ts";
import { MessageQueue } from "./message-queue.ts";
import { QueueTrigger } from "./queue-trigger.ts";
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
  readonly queue: MessageQueue;
  readonly database: YdbDatabase;
  readonly gateway: ApiGateway;
  readonly logGroup: LogGroup;
  /** The account that both containers run as. */
  readonly account: ServiceAccount;
  readonly resultsTable: string;

  private readonly props: CeleryAppProps;

  constructor(scope: Construct, id: string, props: CeleryAppProps) {
    super(scope, id);
    refuseAtSynth(this, (refuse) => checkCeleryApp(props, refuse));
    this.props = props;
    this.resultsTable = props.results?.table ?? "celery";
    this.account = this.defineAccount();
    this.logGroup = new LogGroup(this, "Logs", {
      name: `${props.name}-logs`,
      retentionDays: props.retentionDays,
    });
    this.queue = this.defineQueue();
    this.database = this.defineDatabase();
    const connections = this.defineConnections();
    this.web = this.defineContainer("Web", webContainer(props.web), connections);
    this.worker =
      props.workerPath === undefined
        ? this.defineContainer("Worker", workerContainer(props.worker), connections)
        : this.web;
    this.gateway = this.defineGateway();
    this.defineTriggers();
  }

  private defineAccount(): ServiceAccount {
    const account = new ServiceAccount(this, "Account", {
      name: `${this.props.name}-runtime`,
      description: "Both containers run as this account; its key sends tasks and stores results",
    });
    const { registry, image } = this.props;
    if (registry) registry.grantPull(account, image);
    else account.grantOnFolder("container-registry.images.puller");
    return account;
  }

  private defineQueue(): MessageQueue {
    const { name, queueKey = "stack", maxReceiveCount } = this.props;
    const queue = new MessageQueue(this, "Tasks", {
      name: `${name}-tasks`,
      key: queueKey === "stack" ? this.defineQueueKey() : undefined,
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

  /** What both containers are told of the rest, with the secrets for it. */
  private defineConnections(): Omit<CeleryConnections, "server"> {
    const { name, celeryApp, hosts = [], results } = this.props;
    const key = Secret.staticKey(this, "Key", { name: `${name}-key`, account: this.account });
    const django = Secret.generate(this, "Django", { name: `${name}-django`, key: "secret_key" });
    return {
      celeryApp,
      queueUrl: this.queue.url,
      documentApiEndpoint: this.database.documentApiEndpoint,
      resultsTable: this.resultsTable,
      resultsTtlSeconds: results?.ttlSeconds ?? 86_400,
      hosts,
      accessKey: key.value("access_key"),
      secretKey: key.value("secret_key"),
      djangoSecretKey: django.value("secret_key"),
    };
  }

  private defineContainer(
    id: "Web" | "Worker",
    { server, ...container }: CeleryContainer,
    connections: Omit<CeleryConnections, "server">,
  ): ServerlessContainer {
    const { name, image, networkId } = this.props;
    return new ServerlessContainer(this, id, {
      ...container,
      ...renderEnvironment(this.props, { ...connections, server }),
      name: `${name}-${id.toLowerCase()}`,
      image,
      account: this.account,
      logGroup: this.logGroup,
      networkId,
    });
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
    const { name, workerPath: path, trigger, schedule } = this.props;
    const invoker = new ServiceAccount(this, "TriggerAccount", {
      name: `${name}-trigger`,
      description: "The triggers invoke the worker as this account",
    });
    const reader = new ServiceAccount(this, "ReaderAccount", {
      name: `${name}-reader`,
      description: "The trigger reads the queue as this account",
    });
    new QueueTrigger(this, "Trigger", {
      name: `${name}-tasks`,
      queue: this.queue,
      container: this.worker,
      path,
      reader,
      readerRole: this.props.roles?.queueReader,
      invoker,
      batchSize: this.props.batchSize,
      batchCutoffSeconds: this.props.batchCutoffSeconds,
      trigger,
    });
    for (const timer of schedule === undefined ? [] : readSchedule(this, schedule)) {
      new TimerTrigger(this, `Timer-${timer.name}`, {
        name: `${name}-${timer.name}`,
        cron: timer.cron,
        payload: timer.payload,
        container: this.worker,
        path,
        invoker,
        trigger,
      });
    }
  }
}
