import type { Refuse } from "./_refusal.ts";
import type { CeleryContainerProps } from "./celery-container.ts";
import { type CeleryEnvironmentProps, isOwnVariable } from "./celery-environment.ts";
import type { ContainerRegistry } from "./container-registry.ts";
import type { LogGroupProps } from "./log-group.ts";
import type { DeadLetterProps } from "./message-queue-props.ts";
import type { OpenApiDocument } from "./open-api.ts";
import type { QueueTriggerProps } from "./queue-trigger.ts";
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
   * Whose key creates the queues: `stack` creates one (its secret is in the state), `environment`
   * takes YC_MESSAGE_QUEUE_ACCESS_KEY and YC_MESSAGE_QUEUE_SECRET_KEY.
   *
   * @default "stack"
   */
  readonly queueKey?: "stack" | "environment";
  /**
   * Schedule file written by `python -m celery_push_worker schedule -o schedule.json`.
   *
   * @default - no timers
   */
  readonly schedule?: string;
  /** The table of results, which `npm run table` creates. */
  readonly results?: ResultsProps;
  /** The database of the results. */
  readonly database?: Pick<YdbDatabaseProps, "storageLimitGb" | "deletionProtection">;
  /** Roles whose sufficiency the public documentation leaves open. */
  readonly roles?: CeleryRoles;
  /** Hosts that Django answers to besides the gateway's own. @default - none */
  readonly hosts?: readonly string[];
  /** The user's own routes. @default - everything goes to the site */
  readonly openapi?: OpenApiDocument;
  /** Bucket whose objects are served below `/static/`. @default - the site serves its own */
  readonly staticBucket?: string;
}

/** What is wrong with the props as a whole; each part checks its own. */
export function checkCeleryApp(props: CeleryAppProps, refuse: Refuse): void {
  for (const field of ["env", "secrets", "aliases"] as const) {
    for (const key of Object.keys(props[field] ?? {})) {
      refuse(isOwnVariable(key), {
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
