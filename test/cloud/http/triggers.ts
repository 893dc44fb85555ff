import { snakeCase } from "../case.ts";
import { CloudError } from "../errors.ts";
import type { Cloud, Trigger } from "../state.ts";
import {
  createTrigger,
  deleteTrigger,
  getTrigger,
  setTriggerStatus,
  type TriggerFields,
  updateTrigger,
} from "../triggers.ts";
import { operation, page, type RestCall, required, restService } from "./rest.ts";
import type { Context } from "./service.ts";

const ROOT = "/triggers/v1/triggers";
const UPDATABLE = ["name", "description", "labels", "rule"];

export const TRIGGERS = restService("serverless-triggers", [
  {
    on: `GET ${ROOT}`,
    run: (call, { read }) => {
      const folder = required(call.query, "folderId");
      const all = read(({ triggers }) => Object.values(triggers));
      const here = all.filter(({ folder_id }) => folder_id === folder);
      const { items, ...next } = page(call, here, ["name"]);
      return { triggers: items, ...next };
    },
  },
  {
    on: `GET ${ROOT}/{id}`,
    run: ({ params: { id = "" } }, { read }) => read((cloud) => getTrigger(cloud, id)),
  },
  {
    on: `POST ${ROOT}`,
    run: ({ body }, context) => {
      const { folder_id: folder, ...fields } = readFields(body, ["folder_id", ...UPDATABLE]);
      if (!folder) throw new CloudError("InvalidArgument", "folderId: Field is required");
      if (!fields.rule) throw new CloudError("InvalidArgument", "rule: Field is required");
      return mutate(context, "", (cloud) => createTrigger(cloud, folder, fields as TriggerFields));
    },
  },
  {
    on: `PATCH ${ROOT}/{id}`,
    run: ({ params: { id = "" }, body }, context) =>
      mutate(context, id, (cloud) => updateTrigger(cloud, id, masked(body))),
  },
  {
    on: `DELETE ${ROOT}/{id}`,
    run: ({ params: { id = "" } }, context) =>
      operation(context, { triggerId: id }, (cloud) => deleteTrigger(cloud, id)),
  },
  status("pause", "PAUSED"),
  status("resume", "ACTIVE"),
]);

function status(verb: string, value: Trigger["status"]) {
  return {
    on: `POST ${ROOT}/{id}:${verb}`,
    run: ({ params: { id = "" } }: RestCall, context: Context) =>
      mutate(context, id, (cloud) => setTriggerStatus(cloud, id, value)),
  };
}

function mutate(context: Context, id: string, change: (cloud: Cloud) => Trigger): unknown {
  const metadata: Record<string, string> = id === "" ? {} : { triggerId: id };
  return operation(context, metadata, (cloud) => {
    const trigger = change(cloud);
    Object.assign(metadata, { triggerId: trigger.id });
    return trigger;
  });
}

// Without a mask every field is written, also those that the request leaves out.
function masked(body: Readonly<Record<string, unknown>>): Partial<TriggerFields> {
  const { update_mask: mask, ...fields } = readFields(body, ["update_mask", ...UPDATABLE]);
  const names = mask === undefined ? UPDATABLE : mask.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !UPDATABLE.includes(name));
  if (unknown !== undefined) {
    throw new CloudError("InvalidArgument", `Invalid update mask: unknown field '${unknown}'`);
  }
  if (names.includes("rule") && !fields.rule) {
    throw new CloudError("InvalidArgument", "rule: Field is required");
  }
  const values = fields as Record<string, unknown>;
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

interface Fields extends Partial<TriggerFields> {
  folder_id?: string;
  update_mask?: string;
}

function readFields(body: Readonly<Record<string, unknown>>, known: readonly string[]): Fields {
  const fields = snakeCase(body) as Record<string, unknown>;
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new CloudError("InvalidArgument", `Unknown field '${unknown}'`);
  }
  return fields;
}
