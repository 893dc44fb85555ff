import { checkName, type NamedProps } from "./_name.ts";
import { isKnown, mismatches, outside, type Refuse } from "./_refusal.ts";
import type { LogGroup } from "./log-group.ts";
import type { SecretValue } from "./secret.ts";
import type { ServiceAccount } from "./service-account.ts";

/** Where the numbers of this file are from. */
export const LIMITS =
  "https://yandex.cloud/en/docs/serverless-containers/concepts/limits, November 2026";

/** Instances that a whole cloud may keep ready. */
export const MAX_PROVISIONED_INSTANCES = 2;

/**
 * Props of {@link ServerlessContainer}.
 *
 * @see https://yandex.cloud/en/docs/serverless-containers/concepts/container
 */
export interface ServerlessContainerProps extends NamedProps {
  /**
   * Image by digest: `cr.yandex/<registry id>/<repository>@sha256:<64 hex digits>`. Never by tag: a
   * tag that is pushed again would change nothing here and everything at the next cold start.
   */
  readonly image: string;
  /**
   * The account that pulls the image, reads the secrets and is what the code acts as. The container
   * waits for all its grants.
   */
  readonly account: ServiceAccount;
  /** MiB for each instance, 128 to 8192 in steps of 128. @default 512 */
  readonly memoryMib?: number;
  /** Processors for each instance, 1 to 4. @default 1 */
  readonly cores?: number;
  /**
   * Percent of a processor that is guaranteed, 5 to 100 in steps of 5; 100 with more than one core.
   *
   * @default 100
   */
  readonly coreFraction?: number;
  /** Requests that one instance takes at a time, 1 to 16. @default 1 */
  readonly concurrency?: number;
  /**
   * Seconds that a request may take, cold start included, 1 to 3600. After that the caller gets 504.
   *
   * @default 60
   */
  readonly timeoutSeconds?: number;
  /**
   * Replaces the image's entry point. Run as it stands: without a shell, without variables.
   *
   * @default - the image's own
   */
  readonly command?: readonly string[];
  /**
   * What the container does with a request: `http` passes it to a server that listens on PORT; `task`
   * runs the command, with the request in the file that REQUEST_PATH names, and answers with its
   * output, status 200, and its exit code in the header `X-Task-Exit-Code`. One request at a time.
   *
   * @default "http"
   */
  readonly runtime?: "http" | "task";
  /** Replaces the arguments of the image. @default - the image's own */
  readonly args?: readonly string[];
  /**
   * Environment, readable to everybody who can see the container, the state or a plan. Keys are
   * letters, digits and underscores, a letter first; values at most 4096 characters. With the
   * secrets' values, and all names, at most 4096 bytes together.
   *
   * @default - `REVISION_FINGERPRINT` alone
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Values from Lockbox, by the name of the variable that shows them. The account is given the right
   * to read each. Taking away the last one is beyond the provider, which keeps it when the list gets
   * empty: replace the container (`-replace=<address>`) in the deploy that takes it away.
   *
   * @default - none
   */
  readonly secrets?: Readonly<Record<string, SecretValue>>;
  /** Where the output goes. @default - the default group of the folder */
  readonly logGroup?: LogGroup;
  /**
   * Instances that are kept ready, 0 to 2 (the quota of a whole cloud). They are paid while idle.
   *
   * @default 0
   */
  readonly minInstances?: number;
  /**
   * VPC network that the container can reach. Cold starts get slower, and the network cannot be
   * deleted until up to a day after the last container left it. @default - the internet only
   */
  readonly networkId?: string;
}

/** What Yandex Cloud would reject about a container apart from its environment. */
export function checkServerlessContainer(props: ServerlessContainerProps, refuse: Refuse): void {
  checkName(props.name, "container", refuse);
  refuse(mismatches(props.image, IMAGE), {
    field: "image",
    value: props.image,
    allowed: "cr.yandex/<registry id>/<repository>@sha256:<64 hex digits>",
    fix: "Name the image by its digest, as `npm run image` prints it",
    source: "https://yandex.cloud/en/docs/container-registry/concepts/docker-image, November 2026",
  });
  refuse(props.command?.length === 0, {
    field: "command",
    value: props.command,
    allowed: "at least the program",
    fix: "Leave it out for the image's own entry point",
  });
  const variable = props.command?.find((word) => isKnown(word) && VARIABLE.test(word));
  refuse(variable !== undefined && !SHELL.test(props.command?.[0] ?? ""), {
    field: "command",
    value: variable,
    allowed: "words without variables, since no shell replaces them",
    fix: 'Start a shell: ["sh", "-c", "exec … $PORT"]',
  });
  checkInstance(props, refuse);
}

function checkInstance(props: ServerlessContainerProps, refuse: Refuse): void {
  refuse(offStep(props.memoryMib, 128, 8192, 128), {
    field: "memoryMib",
    value: props.memoryMib,
    allowed: "128 to 8192 MiB in steps of 128",
    fix: "Round it up to the next step",
    source: LIMITS,
  });
  refuse(outside(props.cores, 1, 4), {
    field: "cores",
    value: props.cores,
    allowed: "1 to 4 whole processors",
    fix: "Use coreFraction for less than one",
    source: LIMITS,
  });
  refuse(offStep(props.coreFraction, 5, 100, 5), {
    field: "coreFraction",
    value: props.coreFraction,
    allowed: "5 to 100 percent in steps of 5",
    fix: "Leave it out for 100",
    source: LIMITS,
  });
  refuse(isKnown(props.cores) && props.cores > 1 && (props.coreFraction ?? 100) < 100, {
    field: "coreFraction",
    value: props.coreFraction,
    allowed: `100 percent with ${props.cores} cores`,
    fix: "Use one core, or leave coreFraction out",
  });
  checkRequests(props, refuse);
}

function checkRequests(props: ServerlessContainerProps, refuse: Refuse): void {
  refuse(outside(props.concurrency, 1, 16), {
    field: "concurrency",
    value: props.concurrency,
    allowed: "1 to 16 requests for one instance",
    fix: "Leave it out for 1",
    source: LIMITS,
  });
  refuse(props.runtime === "task" && isKnown(props.concurrency) && props.concurrency > 1, {
    field: "concurrency",
    value: props.concurrency,
    allowed: "1 where each request runs a command",
    fix: "Leave it out",
  });
  refuse(outside(props.timeoutSeconds, 1, 3600), {
    field: "timeoutSeconds",
    value: props.timeoutSeconds,
    allowed: "1 to 3600 seconds",
    fix: "Split longer work into tasks of less than an hour",
    source: LIMITS,
  });
  refuse(outside(props.minInstances, 0, MAX_PROVISIONED_INSTANCES), {
    field: "minInstances",
    value: props.minInstances,
    allowed: `0 to ${MAX_PROVISIONED_INSTANCES} instances`,
    fix: "Leave it out for none",
    source: LIMITS,
  });
}

function offStep(value: number | undefined, min: number, max: number, step: number): boolean {
  return outside(value, min, max) || (isKnown(value) && value % step !== 0);
}

const SHELL = /(^|\/)(sh|ash|bash|dash|zsh)$/;
/** As the whole word, or as its end after a sign that divides it. */
const VARIABLE = /(^|[=:])\$\{?[A-Z_][A-Z0-9_]*/;

const IMAGE =
  /^cr\.yandex\/[a-z0-9]+\/[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*@sha256:[0-9a-f]{64}$/;
