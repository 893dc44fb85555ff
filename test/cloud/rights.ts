import type { Cloud, Trigger } from "./state.ts";
import { iamToken } from "./views.ts";

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
  const members = effectiveMembers(cloud, roles, targets);
  return [`serviceAccount:${accountId}`, "system:allUsers"].some((it) => members.includes(it));
}

/** Whether a token is that of somebody who may call a container. */
export function holdsToken(cloud: Cloud, token: string, id: string): boolean {
  const members = effectiveMembers(cloud, INVOKERS, invocable(cloud, id));
  return members.includes("system:allUsers") || members.map(iamToken).includes(token);
}

/** Rights on a thing go with it. */
export function dropGrants(cloud: Cloud, target: string): void {
  cloud.grants = cloud.grants.filter((grant) => grant.target !== target);
}

function effectiveMembers(
  cloud: Cloud,
  roles: readonly string[],
  targets: readonly string[],
): string[] {
  return cloud.grants
    .filter(({ effectiveAt }) => effectiveAt <= cloud.tick)
    .filter(({ target, role }) => roles.includes(role) && targets.includes(target))
    .map(({ member }) => member);
}

function invocable(cloud: Cloud, id: string): string[] {
  return [`container:${id}`, `folder:${cloud.containers[id]?.folderId}`];
}

/** Whether an account may call a container. */
export function mayInvoke(cloud: Cloud, accountId: string | undefined, id: string): boolean {
  return holds(cloud, accountId, INVOKERS, invocable(cloud, id));
}

/** Whether an account may write to a bucket, and delete what is in it. */
export function mayEdit(cloud: Cloud, accountId: string | undefined, bucket: string): boolean {
  return holds(cloud, accountId, ["storage.editor", "storage.admin"], [`bucket:${bucket}`]);
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
