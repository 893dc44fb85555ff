import type { ServerlessContainerProps } from "./serverless-container.ts";

/** What one of the two containers may differ in. */
export interface CeleryContainerProps
  extends Pick<ServerlessContainerProps, "memoryMib" | "cores" | "coreFraction" | "minInstances"> {
  /**
   * Requests that one instance takes at a time, 1 to 16.
   *
   * @default - 4 for the site, 1 for the worker
   */
  readonly concurrency?: number;
  /**
   * Seconds that a request or a task may take, 1 to 3600.
   *
   * @default - 60 for the site, 600 for the worker
   */
  readonly timeoutSeconds?: number;
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

/** One of the two containers with its defaults filled in. */
export interface CeleryContainer extends CeleryContainerProps {
  readonly concurrency: number;
  readonly timeoutSeconds: number;
  readonly command: readonly string[];
  /** Arguments of gunicorn, however it is started. */
  readonly server: string;
}

/** The container of the site. */
export function webContainer(props: CeleryContainerProps = {}): CeleryContainer {
  const { concurrency = 4, timeoutSeconds = 60, command = run("web") } = props;
  const server = `--config=python:celery_push_worker.web --threads=${concurrency} --timeout=${timeoutSeconds}`;
  return { ...props, concurrency, timeoutSeconds, command, server };
}

/** The container of the worker. Its instances take more by processes: time limits are weaker in threads. */
export function workerContainer(props: CeleryContainerProps = {}): CeleryContainer {
  const { concurrency = 1, timeoutSeconds = 600, command = run("worker") } = props;
  const server = `--config=python:celery_push_worker.gunicorn --workers=${concurrency}`;
  return { ...props, concurrency, timeoutSeconds, command, server };
}

function run(role: string): readonly string[] {
  return ["python3", "-m", "celery_push_worker", role];
}
