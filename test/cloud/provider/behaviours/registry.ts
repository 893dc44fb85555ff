import type { Cloud } from "../../state.ts";
import {
  type Behaviour,
  CREATED_AT,
  type DataSource,
  described,
  description,
  fail,
  folderOf,
  found,
  newId,
  refuseTakenName,
} from "../behaviour.ts";
import { sameDuration } from "../duration.ts";
import { type Attributes, elements, text, withoutUnknown } from "../values.ts";
import { findByIdOrName } from "./lookup.ts";

const REPOSITORY = /^([a-z0-9]+(?:[._-][a-z0-9]+)*(\/([a-z0-9]+(?:[._-][a-z0-9]+)*))*)$/;

export const registry: Behaviour = {
  half: "framework",
  replaceOn: ["folder_id"],
  create(call, planned) {
    const folderId = folderOf(call, planned);
    const name = text(planned.name);
    refuseTakenName(call.cloud.registries, name, folderId, "Registry");
    const id = newId(call, "crp", name);
    call.cloud.registries[id] = { name, folderId, ...described(planned) };
    const computed = { registry_id: id, created_at: CREATED_AT, status: "ACTIVE" };
    return { state: { ...planned, ...computed, id, folder_id: folderId } };
  },
  read({ cloud }, state) {
    const kept = cloud.registries[text(state.id)];
    if (!kept) return null;
    const { labels } = description(kept, "framework");
    return { name: kept.name, folder_id: kept.folderId, labels };
  },
  import: (_call, id) => ({ id, registry_id: id, created_at: CREATED_AT, status: "ACTIVE" }),
  update({ cloud }, _prior, planned) {
    const { folderId } = found(cloud.registries[text(planned.id)], "Registry");
    cloud.registries[text(planned.id)] = {
      name: text(planned.name),
      folderId,
      ...described(planned),
    };
    return { state: { ...planned, created_at: CREATED_AT, status: "ACTIVE" } };
  },
  remove({ cloud }, state) {
    const id = text(state.id);
    refuseImages(cloud, `${id}/`, `Registry ${id} is not empty`);
    for (const key of Object.keys(cloud.repositories)) {
      if (key.startsWith(`${id}/`)) delete cloud.repositories[key];
    }
    delete cloud.registries[id];
  },
};

export const repository: Behaviour = {
  half: "framework",
  replaceOn: ["name", "repository_id"],
  check: ({ name }) =>
    typeof name === "string" && !REPOSITORY.test(name)
      ? [`Attribute name value must match regexp ${REPOSITORY.source}, got: ${name}`]
      : [],
  // An upsert: a push may have made the repository already.
  create(call, planned) {
    const { cloud } = call;
    const name = text(planned.name);
    const [registryId = ""] = name.split("/");
    found(cloud.registries[registryId], `Registry ${registryId}`);
    cloud.repositories[name] ??= { id: newId(call, "crp", name) };
    const { id } = cloud.repositories[name];
    return { state: { ...planned, id, repository_id: id } };
  },
  read({ cloud }, state) {
    const entry = Object.entries(cloud.repositories).find(([, it]) => it.id === state.id);
    return entry ? { name: entry[0] } : null;
  },
  import: (_call, id) => ({ id, repository_id: id }),
  update: (_call, _prior, planned) => ({ state: planned }),
  remove({ cloud }, state) {
    const name = text(state.name);
    refuseImages(cloud, name, `Repository ${name} is not empty`);
    delete cloud.repositories[name];
  },
};

export const lifecyclePolicy: Behaviour = {
  half: "sdk",
  replaceOn: ["repository_id"],
  keptBlocks: ["rule"],
  blockDefaults: { rule: { expire_period: "", tag_regexp: "" } },
  check: (config) =>
    elements(config.rule).flatMap(({ expire_period: period }) =>
      typeof period === "string" && !/^\d+h/.test(period)
        ? [`expire_period must be a duration in whole days such as 48h, got ${period}`]
        : [],
    ),
  create(call, planned) {
    const id = newId(call, "crp", text(planned.repository_id));
    const policy = policyOf(planned, id);
    const holder = policyHolder(call.cloud, planned.repository_id);
    const active = holder.policy as typeof policy | undefined;
    if (active?.status === "active" && policy.status === "active") {
      fail("FailedPrecondition", `Repository ${holder.id} already has an active lifecycle policy`);
    }
    holder.policy = policy;
    return { state: { ...planned, id, rule: policy.rules, created_at: CREATED_AT } };
  },
  // The provider does not cope with a policy that is gone: the plan stops.
  read({ cloud }, state) {
    const holder = Object.values(cloud.repositories).find(
      ({ policy }) => (policy as { id: string } | undefined)?.id === state.id,
    );
    if (!holder) fail("NotFound", `Lifecycle policy ${text(state.id)} not found`);
    const { status, rules } = holder.policy as ReturnType<typeof policyOf>;
    const rule = elements(rules);
    const before = elements(state.rule);
    return {
      ...{ status, repository_id: holder.id },
      rule: sameRules(rule, before) ? before : rule,
    };
  },
  import: (_call, id) => ({ id, created_at: CREATED_AT }),
  update({ cloud }, _prior, planned) {
    const holder = policyHolder(cloud, planned.repository_id);
    holder.policy = policyOf(planned, text(planned.id));
    return { state: planned };
  },
  remove({ cloud }, state) {
    delete policyHolder(cloud, state.repository_id).policy;
  },
};

export const registryData: DataSource = ({ cloud }, config) => {
  const wanted = { id: config.registry_id, name: config.name, folder: config.folder_id };
  const [id, it] = findByIdOrName(cloud.registries, wanted, "Registry");
  const computed = { status: "ACTIVE", created_at: CREATED_AT };
  return { id, registry_id: id, name: it.name, folder_id: it.folderId, ...computed };
};

export const repositoryData: DataSource = ({ cloud }, config) => {
  const named = Object.entries(cloud.repositories).map(([name, { id }]) => [id, { name }] as const);
  const wanted = { id: config.repository_id, name: config.name };
  const [id, { name }] = findByIdOrName(Object.fromEntries(named), wanted, "Repository");
  return { id, repository_id: id, name };
};

function refuseImages(cloud: Cloud, prefix: string, description: string): void {
  const exact = prefix.endsWith("/") ? undefined : prefix;
  const left = cloud.images.some(({ repository: name }) =>
    exact ? name === exact : name.startsWith(prefix),
  );
  if (left) fail("FailedPrecondition", description);
}

function policyHolder(cloud: Cloud, repositoryId: unknown) {
  const holder = Object.values(cloud.repositories).find((it) => it.id === repositoryId);
  return found(holder, `Repository ${text(repositoryId)}`);
}

function policyOf(planned: Attributes, id: string) {
  const active = text(planned.status).toUpperCase() === "ACTIVE";
  const rules = elements(planned.rule).map((rule) => ({
    description: text(rule.description),
    expire_period: text(rule.expire_period),
    tag_regexp: text(rule.tag_regexp),
    untagged: rule.untagged === true,
    retained_top: Number(withoutUnknown(rule.retained_top) ?? 0),
  }));
  return { id, name: text(planned.name), status: active ? "active" : "disabled", rules };
}

function sameRules(rules: Attributes[], others: Attributes[]): boolean {
  return (
    rules.length === others.length &&
    rules.every((rule) => others.some((other) => sameRule(rule, other)))
  );
}

function sameRule(a: Attributes, b: Attributes): boolean {
  return (
    sameDuration(text(a.expire_period), text(b.expire_period)) &&
    text(a.tag_regexp) === text(b.tag_regexp) &&
    (a.untagged ?? false) === (b.untagged ?? false) &&
    (a.retained_top ?? 0) === (b.retained_top ?? 0)
  );
}
