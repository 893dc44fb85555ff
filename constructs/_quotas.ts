import type { IConstruct } from "constructs";
import type { Refuse } from "./_refusal.ts";
import { LIMITS, MAX_PROVISIONED_INSTANCES } from "./serverless-container-props.ts";

/**
 * What a cloud has room for whose quotas were never raised.
 *
 * @see https://yandex.cloud/en/docs/serverless-containers/concepts/limits
 * @see https://yandex.cloud/en/docs/message-queue/concepts/limits
 */
const USUAL = { containers: 10, triggers: 100, queues: 1000 } as const;

/** How many of something a cloud has room for. */
export type Quotas = { readonly [of in keyof typeof USUAL]?: number | undefined };

/** Raised quotas, by the root of an app's tree. */
const raised = new WeakMap<IConstruct, Quotas>();

/** States raised quotas of an app's cloud. What other apps have there is not counted. */
export function raiseQuotas(app: IConstruct, quotas: Quotas): void {
  raised.set(app.node.root, quotas);
}

/** Rejects more than the cloud has room for, reported by the first that is one too many, or holds it. */
export function checkQuota(
  of: keyof Quotas,
  all: readonly IConstruct[],
  one: IConstruct,
  refuse: Refuse,
): void {
  const quota = raised.get(one.node.root)?.[of] ?? USUAL[of];
  const surplus = all[quota];
  refuse(surplus !== undefined && [surplus, surplus.node.scope].includes(one), {
    field: of,
    value: all.length,
    allowed: `at most ${quota} in one cloud`,
    fix: `Remove ${of}, or state a raised quota: quotas.${of} in config.ts`,
  });
}

/** What keeps instances ready. */
interface Provisioned extends IConstruct {
  readonly minInstances: number;
}

/** Rejects more instances that are kept ready than a cloud has, by the first that has too many. */
export function checkInstances(
  all: readonly Provisioned[],
  one: Provisioned,
  refuse: Refuse,
): void {
  const before = countInstances(all.slice(0, all.indexOf(one)));
  const after = before + one.minInstances;
  refuse(before <= MAX_PROVISIONED_INSTANCES && after > MAX_PROVISIONED_INSTANCES, {
    field: "minInstances",
    value: countInstances(all),
    allowed: `at most ${MAX_PROVISIONED_INSTANCES} for all containers of one cloud together`,
    fix: "Keep fewer instances ready",
    source: LIMITS,
  });
}

function countInstances(containers: readonly Provisioned[]): number {
  return containers.reduce((sum, { minInstances }) => sum + minInstances, 0);
}
