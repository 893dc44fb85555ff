import type { Refuse } from "./_refusal.ts";
import type { Bucket } from "./bucket.ts";
import type { CeleryContainerProps } from "./celery-container.ts";
import type { CeleryEnvironmentProps, PostgresProps } from "./celery-environment.ts";
import { type CeleryQueues, checkQueueNames } from "./celery-queue.ts";
import type { ContainerRegistry } from "./container-registry.ts";
import type { LogGroupProps } from "./log-group.ts";
import type { ManageContainerProps } from "./manage-container.ts";
import type { DeadLetterProps } from "./message-queue-props.ts";
import type { OpenApiDocument } from "./open-api.ts";
import type { QueueTriggerProps } from "./queue-trigger.ts";
import type { ReleaseStepProps } from "./release-step.ts";
import type { ServerlessContainerProps } from "./serverless-container-props.ts";
import type { YdbDatabaseProps } from "./ydb-database.ts";

/** Where results of tasks are stored, and for how long. */
export interface ResultsProps {
  /** Name of the table. @default "celery" */
  readonly table?: string;
  /** Seconds until a result expires, at least 60. @default 86400 */
  readonly ttlSeconds?: number;
}

/** Roles whose sufficiency the public documentation leaves open. */
export interface CeleryRoles {
  /** Of the account that reads the queue. @default "ymq.reader" */
  readonly queueReader?: string;
  /** Of the containers' account on the database. @default "ydb.editor" */
  readonly documentApi?: string;
}

/** The container that runs commands of `manage.py`, and the one that every deploy runs. */
export interface ManageProps
  extends Pick<
    ManageContainerProps,
    "caller" | "memoryMib" | "cores" | "coreFraction" | "timeoutSeconds"
  > {
  /** What runs with a new image before site and worker have it. @default - nothing */
  readonly release?: ReleaseProps | undefined;
  /**
   * What puts the image's static files into `staticBucket`, at the same time; the containers'
   * account may then write to that bucket. @default - nothing
   */
  readonly staticFiles?: ReleaseProps | undefined;
}

/** A command that a deploy runs between two images. */
export type ReleaseProps = Pick<ReleaseStepProps, "words" | "command">;

/** Props of {@link CeleryApp}. */
export interface CeleryAppProps
  extends CeleryEnvironmentProps,
    Pick<QueueTriggerProps, "trigger" | "batchSize" | "batchCutoffSeconds">,
    Pick<DeadLetterProps, "maxReceiveCount">,
    Pick<LogGroupProps, "retentionDays">,
    Pick<ServerlessContainerProps, "networkId"> {
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
  /**
   * The container of the site.
   *
   * @example { concurrency: 8, minInstances: 1 }
   */
  readonly web?: CeleryContainerProps;
  /**
   * The container of the worker. Not with `workerPath`.
   *
   * @example { memoryMib: 1024, timeoutSeconds: 900 }
   */
  readonly worker?: CeleryContainerProps;
  /**
   * Path at which the site itself mounts the worker, e.g. "/worker/": one container instead of two,
   * which the trigger calls at that path. The gateway answers 404 there. That is the first of two
   * fences: `/%77orker/` gets past it, so the worker must reject what came through the gateway.
   *
   * @default - the worker has a container of its own, which only the trigger may call
   */
  readonly workerPath?: string;
  /**
   * Queues beside `default`, by the names that Celery's `task_routes` and `queue=` have for them. Each
   * has dead letters, a trigger, and a container of its own if it has `worker`.
   *
   * @example { heavy: { worker: { memoryMib: 4096, timeoutSeconds: 3600 } }, mail: {} }
   * @default - none
   */
  readonly queues?: CeleryQueues;
  /**
   * Whose key creates the queues: `stack` creates one (its secret is in the state), `environment`
   * takes YC_MESSAGE_QUEUE_ACCESS_KEY and YC_MESSAGE_QUEUE_SECRET_KEY. @default "stack"
   */
  readonly queueKey?: "stack" | "environment";
  /**
   * Schedule file written by `python -m celery_push_worker schedule -o schedule.json`; or `"database"`:
   * each minute, what the tables of django-celery-beat say is due.
   *
   * @default - no timers
   */
  readonly schedule?: string;
  /** The table of results, which `npm run table` creates. */
  readonly results?: ResultsProps;
  /** The database of the results. */
  readonly database?: Pick<YdbDatabaseProps, "storageLimitGb" | "deletionProtection">;
  /** The relational database, in whose network the containers then are. @default - none */
  readonly postgres?: PostgresProps | undefined;
  /** The bucket of uploads, which the containers may then read and write. @default - none */
  readonly media?: Bucket | undefined;
  /** The container that runs commands of `manage.py`. @default - none */
  readonly manage?: ManageProps | undefined;
  /** Roles whose sufficiency the public documentation leaves open. */
  readonly roles?: CeleryRoles;
  /** Hosts that Django answers to besides the gateway's own. @default - none */
  readonly hosts?: readonly string[];
  /** The user's own routes. @default - everything goes to the site */
  readonly openapi?: OpenApiDocument;
  /**
   * Bucket whose objects are served below `/static/`. A deploy puts the image's static files into
   * it, and removes none but its own. @default - the site serves its own
   */
  readonly staticBucket?: string;
}

/**
 * What is wrong with the props as a whole; each part checks its own.
 *
 * @param own names of the variables that the system sets
 */
export function checkCeleryApp(
  props: CeleryAppProps,
  own: readonly string[],
  refuse: Refuse,
): void {
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
  for (const [key, variable] of Object.entries(props.aliases ?? {})) {
    refuse(!own.includes(variable), {
      field: `aliases.${key}`,
      value: variable,
      allowed: `what this stack sets: ${[...own].sort().join(", ")}`,
      fix: "Add the part that it belongs to, e.g. 'postgres', or remove the alias",
    });
    refuse(key in { ...props.env, ...props.secrets }, {
      field: `aliases.${key}`,
      value: key,
      allowed: "a name that 'env' and 'secrets' do not have",
      fix: "Keep one of the two",
    });
  }
  checkQueueNames(props.queues, refuse);
  const { workerPath, worker, networkId, postgres } = props;
  refuse(networkId !== undefined && postgres !== undefined, {
    field: "networkId",
    value: networkId,
    allowed: "no 'postgres' beside it, whose network the containers are in",
    fix: "Write network: { networkId, subnetIds } instead",
  });
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
