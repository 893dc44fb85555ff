import type { Cloud, Grant } from "../../state.ts";
import { type Behaviour, type Call, fail } from "../behaviour.ts";
import { LATE, TICKS_PER_SECOND } from "../configure.ts";
import { type Attributes, text } from "../values.ts";
import { refuseMissingBucket } from "./bucket.ts";

/** What a grant is on: the attribute that names it and the word before its id in the cloud. */
const TARGETS: Record<string, { attribute: string; kind: string }> = {
  resourcemanager_folder: { attribute: "folder_id", kind: "folder" },
  lockbox_secret: { attribute: "secret_id", kind: "secret" },
  serverless_container: { attribute: "container_id", kind: "container" },
  container_registry: { attribute: "registry_id", kind: "registry" },
  container_repository: { attribute: "repository_id", kind: "repository" },
  ydb_database: { attribute: "database_id", kind: "database" },
  iam_service_account: { attribute: "service_account_id", kind: "account" },
  storage_bucket: { attribute: "bucket", kind: "bucket" },
};

// A role with a slip of the pen is refused; these are the ones that the project's docs name.
const ROLES =
  /^(viewer|editor|admin|auditor|container-registry\.(images\.(puller|pusher|scanner)|viewer|editor|admin)|lockbox\.(payloadViewer|viewer|editor|admin)|ymq\.(reader|writer|admin)|ydb\.(viewer|editor|admin)|serverless-containers\.(containerInvoker|viewer|editor|admin)|serverless\.containers\.(invoker|viewer|editor|admin)|serverless\.functions\.invoker|functions\.(functionInvoker|viewer|editor|admin)|api-gateway\.(viewer|editor|admin|websocketWriter|websocketBroadcaster)|storage\.(viewer|uploader|editor|admin|configViewer)|logging\.(viewer|writer|editor|admin)|monitoring\.(viewer|editor|admin)|dns\.(viewer|editor|admin)|kms\.keys\.encrypterDecrypter|certificate-manager\.(viewer|editor|admin|certificates\.downloader)|vpc\.(user|viewer|admin)|iam\.[a-zA-Z.]+|resource-manager\.[a-zA-Z.]+)$/;

/** Rights of an account that a service looks for: any of these roles on any of these targets. */
export function hasRole(
  cloud: Cloud,
  accountId: string,
  roles: readonly string[],
  targets: readonly string[],
): boolean {
  return cloud.grants.some(
    (grant) =>
      grant.member === `serviceAccount:${accountId}` &&
      roles.includes(grant.role) &&
      targets.includes(grant.target) &&
      grant.effectiveAt <= cloud.tick,
  );
}

/** `yandex_…_iam_member` or `yandex_…_iam_binding`; undefined for any other type. */
export function grantBehaviour(type: string): Behaviour | undefined {
  const [, thing = "", form] = /^yandex_(.+)_iam_(member|binding)$/.exec(type) ?? [];
  const target = TARGETS[thing];
  if (!target) return undefined;
  const on = (state: Attributes) => `${target.kind}:${text(state[target.attribute])}`;
  return form === "member" ? member(target.attribute, on) : binding(target.attribute, on);
}

function member(attribute: string, on: (state: Attributes) => string): Behaviour {
  return {
    half: "framework",
    replaceOn: [attribute, "role", "member", "sleep_after"],
    check: ({ member: who }) =>
      typeof who === "string" && !who.includes(":")
        ? [`member must be in the form TYPE:ID, got ${who}`]
        : [],
    create(call, planned) {
      grant(call, on(planned), planned, text(planned.member));
      sleep(call, planned);
      const id = [planned[attribute], planned.role, planned.member].join("/");
      return { state: { ...planned, id } };
    },
    read: ({ cloud }, state) => (has(cloud, on(state), state, text(state.member)) ? {} : null),
    import(_call, id) {
      const [target, role, who] = id.split(",");
      return { id: id.replaceAll(",", "/"), [attribute]: target, role, member: who };
    },
    update: (_call, _prior, planned) => ({ state: planned }),
    remove: ({ cloud }, state) => revoke(cloud, on(state), state, [text(state.member)]),
  };
}

function binding(attribute: string, on: (state: Attributes) => string): Behaviour {
  return {
    half: "framework",
    create(call, planned) {
      if (attribute === "bucket") refuseMissingBucket(call, text(planned.bucket));
      for (const who of members(planned)) grant(call, on(planned), planned, who);
      sleep(call, planned);
      return { state: { ...planned, id: [planned[attribute], planned.role].join("/") } };
    },
    // Members that somebody else added are left out, as the provider does.
    read({ cloud }, state) {
      const left = members(state).filter((who) => has(cloud, on(state), state, who));
      return left.length > 0 ? { members: left } : null;
    },
    // Whoever else had the role loses it. Another target keeps the role of the one before.
    update(call, prior, planned) {
      const kept = call.cloud.grants.filter((it) => isOf(it, on(planned), prior));
      call.cloud.grants = call.cloud.grants.filter((it) => !kept.includes(it));
      for (const who of members(planned)) {
        const before = kept.find((it) => it.member === who && it.role === planned.role);
        if (before) call.cloud.grants.push(before);
        else grant(call, on(planned), planned, who);
      }
      return { state: planned };
    },
    remove({ cloud }, state) {
      cloud.grants = cloud.grants.filter((it) => !isOf(it, on(state), state));
    },
  };
}

function grant({ cloud }: Call, target: string, planned: Attributes, who: string): void {
  const role = text(planned.role);
  if (!ROLES.test(role)) fail("InvalidArgument", `Role '${role}' not found`);
  if (has(cloud, target, planned, who)) return;
  // Nothing public says how long; the project takes half of it for the right to call one container.
  const spread = target.startsWith("container:") ? LATE / 2 : LATE;
  cloud.grants.push({ target, role, member: who, effectiveAt: cloud.tick + spread });
}

function sleep({ cloud }: Call, { sleep_after }: Attributes): void {
  cloud.tick += Number(sleep_after ?? 0) * TICKS_PER_SECOND;
}

function isOf(grant: Grant, target: string, { role }: Attributes): boolean {
  return grant.target === target && grant.role === role;
}

function has(cloud: Cloud, target: string, { role }: Attributes, who: string): boolean {
  return cloud.grants.some((it) => it.target === target && it.role === role && it.member === who);
}

function revoke(cloud: Cloud, target: string, { role }: Attributes, who: string[]): void {
  cloud.grants = cloud.grants.filter(
    (it) => it.target !== target || it.role !== role || !who.includes(it.member),
  );
}

function members(state: Attributes): string[] {
  return Array.isArray(state.members) ? state.members.map(text) : [];
}
