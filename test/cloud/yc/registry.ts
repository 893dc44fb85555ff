import { type Call, UsageError } from "../cli.ts";
import { deleteImage, imageView, namedView, repositoryView } from "../views.ts";
import {
  byName,
  type Context,
  inFolder,
  limited,
  oneOrAll,
  select,
  Text,
  type YcCommand,
} from "./command.ts";

const REGISTRY = { "registry-id": "string", "registry-name": "string" } as const;

// There is no command that deletes a repository; only the REST API does.
export const REGISTRIES: readonly YcCommand[] = [
  {
    path: "container registry get",
    flags: { id: "string", name: "string" },
    args: [0, 1000],
    run: (call, context) => oneOrAll(select(call, "registry", registries(context))),
  },
  {
    path: "container registry list",
    flags: { limit: "int" },
    run: (call, context) => limited(call, inFolder(context, registries(context))),
  },
  {
    path: "container registry configure-docker",
    flags: {
      hostname: "list",
      disable: "bool",
      "docker-config-dir": "string",
      "skip-version-check": "bool",
    },
    local: true,
    run: (call, context) => configureDocker(call, context),
  },
  {
    path: "container repository list",
    flags: { ...REGISTRY, limit: "int" },
    run: (call, context) => {
      const registry = registryId(call, context);
      const repositories = context.read((cloud) => Object.entries(cloud.repositories));
      return limited(
        call,
        repositories
          .filter(([name]) => registry === undefined || name.startsWith(`${registry}/`))
          .map(([name, repository]) => repositoryView(name, repository)),
      );
    },
  },
  {
    path: "container image list",
    flags: { ...REGISTRY, "repository-name": "string", limit: "int", "page-token": "string" },
    run: (call, context) => {
      const repository = call.text("repository-name");
      const registry = registryId(call, context);
      const prefix = registry === undefined ? "" : `${registry}/`;
      const images = context.read(({ images }) => images);
      return limited(
        call,
        images
          .filter((image) => image.repository.startsWith(prefix))
          .filter(
            (image) =>
              repository === undefined ||
              [repository, prefix + repository].includes(image.repository),
          )
          .map(imageView),
      );
    },
  },
  {
    path: "container image get",
    flags: { id: "string" },
    args: [0, 1000],
    run: (call, context) =>
      oneOrAll(
        select(
          call,
          "image",
          context.read(({ images }) => images),
        ).map(imageView),
      ),
  },
  {
    path: "container image delete",
    flags: { id: "string", async: "bool" },
    args: [0, 1000],
    run: (call, context) => {
      const ids = [...call.args, ...call.list("id")];
      if (ids.length === 0) throw new UsageError("image id is required");
      context.change((cloud) => {
        for (const id of ids) deleteImage(cloud, id);
      });
    },
  },
];

function registries(context: Context) {
  return context.read((cloud) =>
    Object.entries(cloud.registries).map(([id, registry]) => namedView(id, registry)),
  );
}

function registryId(call: Call, context: Context): string | undefined {
  const name = call.text("registry-name");
  if (name === undefined) return call.text("registry-id");
  return byName("registry", inFolder(context, registries(context)), name).id;
}

function configureDocker(call: Call, context: Context): Text {
  const hosts = ["cr.yandex", ...call.list("hostname")];
  context.change((cloud) => {
    cloud.docker ??= { logins: {}, helpers: [], images: {} };
    const others = cloud.docker.helpers.filter((host) => !hosts.includes(host));
    cloud.docker.helpers = call.has("disable") ? others : [...others, ...hosts];
  });
  return new Text(
    call.has("disable")
      ? "Credential helper is disabled"
      : 'Docker configured to use yc --profile "default" for authenticating "cr.yandex" container registries',
  );
}
