import { Construct } from "constructs";
import { type Refuse, refuseAtSynth } from "./_refusal.ts";
import { ApiGateway } from "./api-gateway.ts";
import type { ContainerRegistry } from "./container-registry.ts";
import { LogGroup } from "./log-group.ts";
import { MessageQueue } from "./message-queue.ts";
import type { OpenApiDocument } from "./open-api.ts";
import { ALIASED_VARIABLES, type AliasedVariable, UNALIASED_VARIABLES } from "./own-variables.ts";
import { QueueTrigger } from "./queue-trigger.ts";
import { readSchedule } from "./schedule.ts";
import { Secret, type SecretValue } from "./secret.ts";
import { ServerlessContainer } from "./serverless-container.ts";
import { ServiceAccount } from "./service-account.ts";
import { StaticKey } from "./static-key.ts";
import { TimerTrigger } from "./timer-trigger.ts";
import { YdbDatabase } from "./ydb-database.ts";

const REGION = "ru-central1";
const QUEUE_ENDPOINT = "https://message-queue.api.cloud.yandex.net";
const GATEWAY_HOSTS = ".apigw.yandexcloud.net";
/** Where the image has the worker package, which is first on Python's path. */
const OWN_PACKAGES = "/opt/celery-push/own";

/** What one of the two containers may differ in. */
export interface CeleryContainerProps {
  /** MiB, 128 to 8192 in steps of 128. @default 512 */
  readonly memoryMib?: number;
  /** Whole processors, 1 to 4. @default 1 */
  readonly cores?: number;
  /** Percent of a processor, 5 to 100 in steps of 5; 100 with more than one. @default 100 */
  readonly coreFraction?: number;
  /** Requests that one instance takes at once, 1 to 16. @default 4 for the site, 1 for the worker */
  readonly concurrency?: number;
  /** Seconds, 1 to 3600. @default 60 for the site, 600 for the worker */
  readonly timeoutSeconds?: number;
  /** Instances that never sleep, 0 to 2 for the whole cloud; paid while idle. @default 0 */
  readonly minInstances?: number;
  /**
   * Entry point and arguments, without a shell. Whatever command starts gunicorn, it has the
   * settings of the package `celery_push_worker` and listens on the platform's PORT.
   *
   * @default - `python3 -m celery_push_worker web`, which serves what WSGI_APPLICATION in the
   * project's settings names, else `<package of celeryApp>.wsgi:application`; for the worker
   * `python3 -m celery_push_worker worker`
   */
  readonly command?: readonly string[];
}

/** Props of {@link CeleryApp}. */
export interface CeleryAppProps {
  /** First part of every cloud name, e.g. "shop" or "shop-production". */
  readonly name: string;
  /** `cr.yandex/<registry>/<repository>@sha256:…`; both containers run from it. */
  readonly image: string;
  /**
   * The registry that holds the image. The containers may pull from it alone then.
   *
   * @default - they may pull from every registry of the folder
   */
  readonly registry?: ContainerRegistry;
  /** Where the Celery application is, e.g. "shop.celery:app". */
  readonly celeryApp: string;
  /** Plain variables of both containers. Not for secrets: they stand in the state. */
  readonly env?: Readonly<Record<string, string>>;
  /** Variables of both containers whose values lie in Lockbox. */
  readonly secrets?: Readonly<Record<string, SecretValue>>;
  /**
   * Further names of the variables that the system sets, for settings that read others:
   * `{ SECRET_KEY: "DJANGO_SECRET_KEY", DJANGO_ALLOWED_HOSTS: "ALLOWED_HOSTS" }`. @default - none
   */
  readonly aliases?: Readonly<Record<string, AliasedVariable>>;
  readonly web?: CeleryContainerProps;
  readonly worker?: CeleryContainerProps;
  /**
   * Path at which the site itself mounts the worker, e.g. "/worker/". There is one container then,
   * the trigger calls it at that path, and the gateway answers 404 there. That is the first of two
   * fences: `/%77orker/` gets past it, so the worker must refuse what came through the gateway.
   *
   * @default - the worker has a container of its own, which only the trigger may call
   */
  readonly workerPath?: string;
  /** Messages to a request, 1 to 10. A failed batch comes back whole. @default 1 */
  readonly batchSize?: number;
  /** Seconds to gather a batch, 1 to 20. @default 1 */
  readonly batchCutoffSeconds?: number;
  /** Deliveries before a message goes to the dead letters, 1 to 1000. @default 10 */
  readonly maxReceiveCount?: number;
  /** What makes the triggers: the script, or Terraform. @default "yc" */
  readonly via?: "yc" | "terraform";
  /**
   * Whose key creates the queues: `stack` makes one (its secret is kept in the state), `environment`
   * takes YC_MESSAGE_QUEUE_ACCESS_KEY and YC_MESSAGE_QUEUE_SECRET_KEY.
   *
   * @default "stack"
   */
  readonly queueKey?: "stack" | "environment";
  /** Schedule file written by `python -m celery_push_worker schedule`. @default - no timers */
  readonly schedule?: string;
  /** Table of the results. @default "celery" */
  readonly resultsTable?: string;
  /** Seconds until a result expires. @default 86400 */
  readonly resultsTtlSeconds?: number;
  /** GB that the database may hold. @default 1 */
  readonly storageLimitGb?: number;
  /** Whether the database refuses to be destroyed. @default false */
  readonly deletionProtection?: boolean;
  /** Days that log lines are kept. @default 3 */
  readonly retentionDays?: number;
  /** VPC network that the containers join. @default - the internet only */
  readonly networkId?: string;
  /** Hosts that Django answers to besides the gateway's own. @default - none */
  readonly hosts?: readonly string[];
  /** The user's own routes instead of "everything to the site". */
  readonly openApi?: OpenApiDocument;
  /** Bucket whose objects are served below `/static/`. @default - the site serves its own */
  readonly staticBucket?: string;
  /** Role of the account that reads the queue. @default "ymq.reader" */
  readonly queueReaderRole?: string;
  /** Role of the containers' account on the database. @default "ydb.editor" */
  readonly documentApiRole?: string;
}

/**
 * The whole system: a Django site behind a gateway, a queue, a trigger that hands each message to a
 * worker container, and a database for the results. No process waits for work, so nothing is paid
 * while there is none.
 *
 * Both containers are private: the gateway invokes the site, the trigger the worker, each with an
 * account of its own. The results table is not made here, because Terraform cannot make document
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
    this.resultsTable = props.resultsTable ?? "celery";
    this.account = this.defineAccount();
    this.logGroup = new LogGroup(this, "Logs", {
      name: `${props.name}-logs`,
      retentionDays: props.retentionDays,
    });
    this.queue = this.defineQueue();
    this.database = this.defineDatabase();
    this.web = this.defineContainer("Web", props.web, WEB_DEFAULTS);
    this.worker =
      props.workerPath === undefined
        ? this.defineContainer("Worker", props.worker, WORKER_DEFAULTS)
        : this.web;
    this.connect();
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
      name: `${this.props.name}-results`,
      storageLimitGb: this.props.storageLimitGb,
      deletionProtection: this.props.deletionProtection,
    });
    database.grantEdit(this.account, this.props.documentApiRole);
    return database;
  }

  private defineContainer(
    id: string,
    props: CeleryContainerProps = {},
    defaults: Defaults,
  ): ServerlessContainer {
    const { server, ...own } = defaults;
    const { concurrency = own.concurrency, timeoutSeconds = own.timeoutSeconds } = props;
    const size = { concurrency, timeoutSeconds };
    return new ServerlessContainer(this, id, {
      ...own,
      ...props,
      ...size,
      name: `${this.props.name}-${id.toLowerCase()}`,
      image: this.props.image,
      account: this.account,
      logGroup: this.logGroup,
      networkId: this.props.networkId,
      env: { ...this.env(), GUNICORN_CMD_ARGS: server(size) },
      secrets: this.props.secrets,
    });
  }

  // What the image sets is replaced by a value of the container's own.
  private env(): Readonly<Record<string, string>> {
    const { env = {} } = this.props;
    if (env.PYTHONPATH === undefined) return env;
    return { ...env, PYTHONPATH: `${OWN_PACKAGES}:${env.PYTHONPATH}` };
  }

  /** Gives the containers everything that Celery, boto3 and Django read from the environment. */
  private connect(): void {
    const { name } = this.props;
    const key = Secret.staticKey(this, "Key", { name: `${name}-key`, account: this.account });
    const django = Secret.generate(this, "Django", { name: `${name}-django`, key: "secret_key" });
    const keys = { ACCESS_KEY_ID: "access_key", SECRET_ACCESS_KEY: "secret_key" } as const;
    const secrets: Record<string, SecretValue> = {};
    for (const prefix of ["SQS", "AWS"]) {
      for (const [suffix, entry] of Object.entries(keys)) {
        secrets[`${prefix}_${suffix}`] = key.value(entry);
      }
    }
    secrets.DJANGO_SECRET_KEY = django.value("secret_key");
    for (const container of new Set([this.web, this.worker])) {
      for (const [variable, value] of this.withAliases(this.connectionSettings())) {
        container.addEnv(variable, value);
      }
      for (const [variable, value] of this.withAliases(secrets)) {
        container.addSecret(variable, value);
      }
    }
  }

  private withAliases<T>(values: Readonly<Record<string, T>>): [string, T][] {
    const aliases = Object.entries(this.props.aliases ?? {});
    return Object.entries(values).flatMap(([variable, value]) => [
      [variable, value],
      ...aliases.flatMap(([alias, of]): [string, T][] => (of === variable ? [[alias, value]] : [])),
    ]);
  }

  private connectionSettings(): Record<string, string> {
    const { celeryApp, hosts = [], resultsTtlSeconds = 86_400 } = this.props;
    return {
      CELERY_APP: celeryApp,
      // No key in it: Celery takes the key from SQS_* or AWS_*.
      CELERY_BROKER_URL: `sqs://${new URL(QUEUE_ENDPOINT).host}:443`,
      SQS_QUEUE: this.queue.url,
      SQS_REGION: REGION,
      CELERY_RESULT_BACKEND: `dynamodb://@${REGION}/${this.resultsTable}?ttl_seconds=${resultsTtlSeconds}`,
      CELERY_DYNAMODB_ENDPOINT_URL: this.database.documentApiEndpoint,
      AWS_DEFAULT_REGION: REGION,
      AWS_ENDPOINT_URL_SQS: QUEUE_ENDPOINT,
      AWS_ENDPOINT_URL_DYNAMODB: this.database.documentApiEndpoint,
      ALLOWED_HOSTS: [...hosts, GATEWAY_HOSTS].join(","),
    };
  }

  private defineGateway(): ApiGateway {
    const { name, openApi, staticBucket, workerPath } = this.props;
    const gateway = new ApiGateway(this, "Gateway", {
      name: `${name}-gateway`,
      account: new ServiceAccount(this, "GatewayAccount", {
        name: `${name}-gateway`,
        description: "The gateway invokes the site as this account",
      }),
      document: openApi,
      container: openApi && this.web,
      logGroup: this.logGroup,
    });
    if (!openApi) gateway.addContainer("/", this.web);
    if (staticBucket) gateway.addStaticFiles("/static", { bucket: staticBucket });
    if (workerPath) gateway.addNotFound(workerPath);
    return gateway;
  }

  private defineTriggers(): void {
    const { name, workerPath: path, via, schedule } = this.props;
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
      readerRole: this.props.queueReaderRole,
      invoker,
      batchSize: this.props.batchSize,
      batchCutoffSeconds: this.props.batchCutoffSeconds,
      via,
    });
    for (const timer of schedule === undefined ? [] : readSchedule(this, schedule)) {
      new TimerTrigger(this, `Timer-${timer.name}`, {
        name: `${name}-${timer.name}`,
        cron: timer.cron,
        payload: timer.payload,
        container: this.worker,
        path,
        invoker,
        via,
      });
    }
  }
}

/** What is wrong with the props as a whole; each part checks its own. */
export function checkCeleryApp(props: CeleryAppProps, refuse: Refuse): void {
  const own: readonly string[] = [...ALIASED_VARIABLES, ...UNALIASED_VARIABLES];
  for (const field of ["env", "secrets", "aliases"] as const) {
    for (const key of Object.keys(props[field] ?? {})) {
      refuse(own.includes(key), {
        field: `${field}.${key}`,
        value: key,
        allowed: "a variable that the system does not set itself",
        fix: "Remove it, or give what the system sets a further name in 'aliases'",
      });
    }
  }
  for (const key of Object.keys(props.aliases ?? {})) {
    refuse(key in { ...props.env, ...props.secrets }, {
      field: `aliases.${key}`,
      value: key,
      allowed: "a name that 'env' and 'secrets' do not have",
      fix: "Keep one of the two",
    });
  }
  const { workerPath, worker } = props;
  refuse(workerPath !== undefined && !/^(\/[\w.-]+)+\/?$/.test(workerPath), {
    field: "workerPath",
    value: workerPath,
    allowed: 'a path of the site other than "/", e.g. "/worker/"',
    fix: "Write the path at which urls.py mounts the worker",
  });
  refuse(workerPath !== undefined && worker !== undefined, {
    field: "workerPath",
    value: workerPath,
    allowed: "no 'worker' beside it, since the site is the worker then",
    fix: "Write what the worker needs under 'web', or remove workerPath",
  });
}

interface Size {
  readonly concurrency: number;
  readonly timeoutSeconds: number;
}

interface Defaults extends Size {
  readonly command: readonly string[];
  /** Arguments of gunicorn, however it is started. */
  readonly server: (size: Size) => string;
}

const WEB_DEFAULTS: Defaults = {
  concurrency: 4,
  timeoutSeconds: 60,
  command: ["python3", "-m", "celery_push_worker", "web"],
  server: ({ concurrency, timeoutSeconds }) =>
    `--config=python:celery_push_worker.web --threads=${concurrency} --timeout=${timeoutSeconds}`,
};

const WORKER_DEFAULTS: Defaults = {
  concurrency: 1,
  timeoutSeconds: 600,
  command: ["python3", "-m", "celery_push_worker", "worker"],
  // By processes: in threads, time limits are weaker.
  server: ({ concurrency }) =>
    `--config=python:celery_push_worker.gunicorn --workers=${concurrency}`,
};
