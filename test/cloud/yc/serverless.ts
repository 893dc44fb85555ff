import { containerView, gatewayView, revisionViews } from "../views.ts";
import {
  byId,
  byName,
  type Context,
  inFolder,
  limited,
  oneOrAll,
  select,
  type YcCommand,
} from "./command.ts";

const SELECTOR = { id: "string", name: "string" } as const;

export const SERVERLESS: readonly YcCommand[] = [
  {
    path: "serverless container get",
    flags: SELECTOR,
    args: [0, 1000],
    run: (call, context) => oneOrAll(select(call, "container", containers(context))),
  },
  {
    path: "serverless container list",
    flags: { limit: "int" },
    run: (call, context) => limited(call, inFolder(context, containers(context))),
  },
  {
    path: "serverless container revision list",
    flags: { "container-id": "string", "container-name": "string", limit: "int" },
    run: (call, context) => {
      const owners = revisionOwners(
        context,
        call.text("container-id"),
        call.text("container-name"),
      );
      const revisions = owners.flatMap(({ id }) =>
        context.read((cloud) => revisionViews(cloud, id)),
      );
      return limited(call, revisions);
    },
  },
  {
    path: "serverless api-gateway get",
    flags: SELECTOR,
    args: [0, 1000],
    run: (call, context) => oneOrAll(select(call, "api-gateway", gateways(context))),
  },
  {
    path: "serverless api-gateway list",
    flags: { limit: "int" },
    run: (call, context) => limited(call, inFolder(context, gateways(context))),
  },
];

function revisionOwners(context: Context, id: string | undefined, name: string | undefined) {
  const all = containers(context);
  if (id !== undefined) return [byId("container", all, id)];
  const here = inFolder(context, all);
  return name === undefined ? here : [byName("container", here, name)];
}

function containers(context: Context) {
  return context.read((cloud) =>
    Object.entries(cloud.containers).map(([id, container]) => containerView(id, container)),
  );
}

function gateways(context: Context) {
  return context.read((cloud) =>
    Object.entries(cloud.gateways).map(([id, gateway]) => gatewayView(id, gateway)),
  );
}
