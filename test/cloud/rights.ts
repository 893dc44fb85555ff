import type { Cloud, Trigger } from "./state.ts";

const INVOKERS = [
  "serverless-containers.containerInvoker",
  "serverless.containers.invoker",
  "serverless-containers.editor",
  "editor",
  "admin",
];
const READERS = ["ymq.reader", "ymq.admin", "editor", "admin"];

/** Whether an account, or everybody, holds one of the roles on one of the targets by now. */
export function holds(
  cloud: Cloud,
  accountId: string | undefined,
  roles: readonly string[],
  targets: readonly string[],
): boolean {
  return cloud.grants.some(
    ({ target, role, member, effectiveAt }) =>
      effectiveAt <= cloud.tick &&
      roles.includes(role) &&
      targets.includes(target) &&
      [`serviceAccount:${accountId}`, "system:allUsers"].includes(member),
  );
}

/** Whether an account may call a container. */
export function mayInvoke(cloud: Cloud, accountId: string | undefined, id: string): boolean {
  const targets = [`container:${id}`, `folder:${cloud.containers[id]?.folderId}`];
  return holds(cloud, accountId, INVOKERS, targets);
}

/** What a trigger does with the next message of its queue: why it cannot, or nothing. */
export function whyNotDelivered(cloud: Cloud, { rule }: Trigger): string | undefined {
  const { message_queue: queue } = rule;
  if (!queue) return "no queue";
  const known = Object.values(cloud.queues).find(({ arn }) => arn === queue.queue_id);
  if (!holds(cloud, queue.service_account_id, READERS, [`folder:${known?.folderId}`])) {
    return "AccessDenied: the queue cannot be read";
  }
  const { container_id, service_account_id } = queue.invoke_container;
  return mayInvoke(cloud, service_account_id, container_id)
    ? undefined
    : "403: the container cannot be invoked";
}
