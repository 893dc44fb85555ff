import type { Construct } from "constructs";
import { ServerlessContainer } from "./serverless-container.ts";
import type { ServerlessContainerProps } from "./serverless-container-props.ts";

/** Props of {@link ManageContainer}. */
export interface ManageContainerProps
  extends Omit<
    ServerlessContainerProps,
    "command" | "args" | "runtime" | "concurrency" | "minInstances"
  > {
  /** Who may run commands, as a subject of access bindings: `userAccount:<id>`. Nobody else may. */
  readonly caller: string;
  /** Seconds that a command may take, 1 to 3600. @default 3600 */
  readonly timeoutSeconds?: number;
}

/**
 * A container that runs one command of a Django project's `manage.py` for each request: the words of
 * the command are in the request, its output in the response. No route and no trigger leads to it.
 *
 * Whoever may call it may do whatever the project's code can do, so one subject may.
 *
 * @example
 * new ManageContainer(this, "Manage", { name: "shop-manage", image, account, caller });
 */
export class ManageContainer extends ServerlessContainer {
  /** Who may run commands. */
  readonly caller: string;

  constructor(scope: Construct, id: string, { caller, ...props }: ManageContainerProps) {
    super(scope, id, {
      ...props,
      timeoutSeconds: props.timeoutSeconds ?? 3600,
      command: ["python3", "-m", "celery_push_worker", "manage"],
      runtime: "task",
    });
    this.caller = caller;
    this.grantInvokeTo(caller);
  }
}
