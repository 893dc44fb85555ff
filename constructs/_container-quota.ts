import type { IConstruct } from "constructs";
import type { Refuse } from "./_refusal.ts";
import { LIMITS, MAX_PROVISIONED_INSTANCES } from "./serverless-container-props.ts";

/** Of a cloud whose quota was never raised. */
const DEFAULT_CONTAINERS = 10;

/** How many containers the cloud of an app has room for, by the root of its tree. */
const quotas = new WeakMap<IConstruct, number>();

/** What counts against the quotas. */
interface Counted extends IConstruct {
  /** Instances that are kept ready. */
  readonly minInstances: number;
}

/** States a raised quota of containers for an app. */
export function raiseContainerQuota(app: IConstruct, containers: number): void {
  quotas.set(app.node.root, containers);
}

/** What the quotas of a cloud would reject, reported by the first container that is one too many. */
export function checkContainerQuota(all: readonly Counted[], one: Counted, refuse: Refuse): void {
  const quota = quotas.get(one.node.root) ?? DEFAULT_CONTAINERS;
  const position = all.indexOf(one);
  refuse(position === quota, {
    field: "containers",
    value: all.length,
    allowed: `at most ${quota} in one cloud`,
    fix: "Remove containers, or state a raised quota: quotas.containers in config.ts",
  });
  const before = countInstances(all.slice(0, position));
  const after = before + one.minInstances;
  refuse(before <= MAX_PROVISIONED_INSTANCES && after > MAX_PROVISIONED_INSTANCES, {
    field: "minInstances",
    value: countInstances(all),
    allowed: `at most ${MAX_PROVISIONED_INSTANCES} for all containers of one cloud together`,
    fix: "Keep fewer instances ready",
    source: LIMITS,
  });
}

function countInstances(containers: readonly Counted[]): number {
  return containers.reduce((sum, { minInstances }) => sum + minInstances, 0);
}
