import { createHash } from "node:crypto";
import { CloudError } from "../errors.ts";
import {
  certificateView,
  containerView,
  deleteImage,
  folderView,
  gatewayView,
  iamToken,
  imageView,
  payloadView,
  registryView,
  repositoryView,
  revisionViews,
} from "../views.ts";
import { operation, page, required, restService } from "./rest.ts";

export const OPERATIONS = restService("operation", [
  {
    on: "GET /operations/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ operations }) => ({ id, ...known("Operation", operations ?? {}, id) })),
  },
]);

export const CONTAINERS = restService("serverless-containers", [
  {
    on: "GET /containers/v1/containers",
    run: (call, { read }) => {
      const folder = required(call.query, "folderId");
      const all = read(({ containers }) => Object.entries(containers));
      const views = all.map(([id, it]) => containerView(id, it));
      const here = views.filter(({ folder_id }) => folder_id === folder);
      const { items, ...next } = page(call, here, ["name"]);
      return { containers: items, ...next };
    },
  },
  {
    on: "GET /containers/v1/containers/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ containers }) => containerView(id, known("Container", containers, id))),
  },
  {
    on: "GET /containers/v1/revisions",
    run: (call, { read }) => {
      const id = required(call.query, "containerId");
      const revisions = read((cloud) => revisionViews(cloud, id));
      const { items, ...next } = page(call, revisions, ["status"]);
      return { revisions: items, ...next };
    },
  },
  {
    on: "GET /containers/v1/revisions/{id}",
    run: ({ params: { id = "" } }, { read }) => {
      const all = read((cloud) =>
        Object.keys(cloud.containers).flatMap((container) => revisionViews(cloud, container)),
      );
      return known("Revision", Object.fromEntries(all.map((it) => [it.id, it])), id);
    },
  },
]);

export const GATEWAYS = restService("serverless-apigateway", [
  {
    on: "GET /apigateways/v1/apigateways",
    run: (call, { read }) => {
      const folder = required(call.query, "folderId");
      const all = read(({ gateways }) => Object.entries(gateways));
      const views = all.map(([id, it]) => gatewayView(id, it));
      const here = views.filter(({ folder_id }) => folder_id === folder);
      const { items, ...next } = page(call, here, ["name"]);
      return { api_gateways: items, ...next };
    },
  },
  {
    on: "GET /apigateways/v1/apigateways/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ gateways }) => gatewayView(id, known("API gateway", gateways, id))),
  },
]);

export const REGISTRY = restService("container-registry", [
  {
    on: "GET /container-registry/v1/registries/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ registries }) => registryView(id, known("Registry", registries, id))),
  },
  {
    on: "GET /container-registry/v1/repositories",
    run: (call, { read }) => {
      const registry = required(call.query, "registryId");
      const all = read(({ repositories }) => Object.entries(repositories));
      const here = all.filter(([name]) => name.startsWith(`${registry}/`));
      const views = here.map(([name, it]) => repositoryView(name, it));
      const { items, ...next } = page(call, views, ["name"]);
      return { repositories: items, ...next };
    },
  },
  {
    on: "DELETE /container-registry/v1/repositories/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { repositoryId: id }, (cloud) => {
        const [name] =
          Object.entries(cloud.repositories).find(([, repository]) => repository.id === id) ?? [];
        if (name === undefined) throw new CloudError("NotFound", `Repository ${id} not found`);
        if (cloud.images.some(({ repository }) => repository === name)) {
          throw new CloudError("FailedPrecondition", `Repository ${name} is not empty`);
        }
        delete cloud.repositories[name];
      }),
  },
  {
    on: "GET /container-registry/v1/images",
    run: (call, { read }) => {
      const name = call.query.get("repositoryName");
      const registry = name ? "" : required(call.query, "registryId");
      const images = read(({ images }) => images).filter(({ repository }) =>
        name ? repository === name : repository.startsWith(`${registry}/`),
      );
      const { items, ...next } = page(call, images.map(imageView), ["name"]);
      return { images: items, ...next };
    },
  },
  {
    on: "GET /container-registry/v1/images/{id}",
    run: ({ params: { id = "" } }, { read }) => {
      const images = read(({ images }) => images.map(imageView));
      return known("Image", Object.fromEntries(images.map((image) => [image.id, image])), id);
    },
  },
  {
    on: "DELETE /container-registry/v1/images/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { imageId: id }, (cloud) => deleteImage(cloud, id)),
  },
]);

export const LOCKBOX = restService("payload.lockbox", [
  {
    on: "GET /lockbox/v1/secrets/{id}/payload",
    run: ({ params: { id = "" }, query }, { read }) =>
      read((cloud) => payloadView(cloud, id, query.get("versionId") ?? undefined)),
  },
]);

export const FOLDERS = restService("resource-manager", [
  {
    on: "GET /resource-manager/v1/folders/{id}",
    run: ({ params: { id = "" } }, { read }) => read((cloud) => folderView(cloud, id)),
  },
]);

export const CERTIFICATES = restService("certificate-manager", [
  {
    on: "GET /certificate-manager/v1/certificates/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ certificates }) => certificateView(id, known("Certificate", certificates, id))),
  },
]);

export const IAM = restService(
  "iam",
  [
    {
      on: "POST /iam/v1/tokens",
      run: ({ body: { yandexPassportOauthToken: oauth, jwt } }) => {
        const secret = oauth ?? jwt;
        if (typeof secret !== "string" || secret === "") {
          throw new CloudError("Unauthenticated", "OAuth token or JWT is required");
        }
        const token = iamToken(createHash("sha256").update(secret).digest("hex"));
        return { iam_token: token, expires_at: "2030-01-01T00:00:00.000Z" };
      },
    },
  ],
  true,
);

function known<T>(what: string, items: Readonly<Record<string, T>>, id: string): T {
  const item = items[id];
  if (!item) throw new CloudError("NotFound", `${what} ${id} not found`);
  return item;
}
