import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Call, UsageError } from "../cli.ts";
import { type Cloud, changeCloud, type Image, type LocalImage, readCloud } from "../state.ts";
import {
  changeClient,
  client,
  type DockerCommand,
  DockerError,
  parseReference,
  REGISTRY,
  type Reference,
  template,
} from "./command.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

export const REGISTRY_COMMANDS: readonly DockerCommand[] = [
  {
    path: "login",
    flags: { username: "string", password: "string", "password-stdin": "bool" },
    args: [0, 1],
    run: login,
  },
  {
    path: "logout",
    flags: {},
    args: [0, 1],
    run: ({ args: [host = REGISTRY] }) => {
      changeClient(({ logins }) => delete logins[host]);
      return `Removing login credentials for ${host}`;
    },
  },
  ...["push", "image push"].map((path) => ({
    path,
    flags: { quiet: "bool" } as const,
    args: [1, 1] as const,
    run: ({ args: [reference = ""] }: Call) => push(reference),
  })),
  ...["pull", "image pull"].map((path) => ({
    path,
    flags: { platform: "string", quiet: "bool" } as const,
    args: [1, 1] as const,
    run: ({ args: [reference = ""] }: Call) => pull(reference),
  })),
  {
    path: "buildx imagetools inspect",
    flags: { format: "string", raw: "bool" },
    args: [1, 1],
    run: (call) => inspect(call),
  },
  {
    path: "manifest inspect",
    flags: { verbose: "bool", insecure: "bool" },
    args: [1, 1],
    run: ({ args: [reference = ""] }) => JSON.stringify(manifest(find(reference)), null, 2),
  },
];

/** Sends the local image to the registry, where the tag leaves the image that had it. */
export function push(text: string): string {
  const reference = parseReference(text);
  const local = client().images[reference.text];
  if (!local)
    throw new DockerError(`An image does not exist locally with the tag: ${reference.name}`);
  changeCloud((cloud) => {
    const repository = authorize(cloud, reference);
    store(cloud, repository, reference.tag, local);
    const kept = cloud.docker?.images[reference.text];
    if (kept) kept.repoDigests = [`${reference.name}@${local.digest}`];
  });
  return [
    `The push refers to repository [${reference.name}]`,
    `${local.id.slice(7, 19)}: Pushed`,
    `${reference.tag}: digest: ${local.digest} size: ${JSON.stringify(local).length}`,
  ].join("\n");
}

function store(cloud: Cloud, repository: string, tag: string, local: LocalImage): void {
  for (const image of cloud.images.filter((image) => image.repository === repository)) {
    image.tags = image.tags.filter((other) => other !== tag);
  }
  add(cloud, repository, local.digest, {
    tags: [tag],
    index: local.index,
    platform: local.platform,
  });
  if (!local.index) return;
  // The registry lists what an index points at beside it, and nothing tags those.
  for (const child of ["image", "attestation"]) {
    const digest = createHash("sha256").update(`${child} ${local.digest}`).digest("hex");
    add(cloud, repository, `sha256:${digest}`, { tags: [], platform: local.platform });
  }
}

function add(
  cloud: Cloud,
  repository: string,
  digest: string,
  rest: Pick<Image, "tags" | "index" | "platform">,
): void {
  const known = cloud.images.find((it) => it.repository === repository && it.digest === digest);
  if (known) {
    known.tags = [...new Set([...known.tags, ...rest.tags])];
    return;
  }
  const hash = createHash("sha256").update(`${repository}@${digest}`).digest("hex");
  cloud.images.push({ id: `crp${hash.slice(0, 17)}`, repository, digest, ...rest });
}

/** The repository in the cloud, once the client may talk to it. */
function authorize(cloud: Cloud, { name, repository }: Reference): string {
  if (repository === undefined) {
    throw new DockerError(
      "push access denied, repository does not exist or may require authorization",
    );
  }
  const { logins = {}, helpers = [] } = cloud.docker ?? {};
  const helped = helpers.includes(REGISTRY) && cloud.yc?.loggedIn && !cloud.yc.sessionExpired;
  if (!(REGISTRY in logins) && !helped) {
    throw new DockerError(`unauthorized: Authentication problem ; cannot authenticate for ${name}`);
  }
  if (cloud.faults.docker === "denied") {
    throw new DockerError("denied: Permission denied ; Permission denied");
  }
  if (!cloud.repositories[repository]) {
    throw new DockerError(`name unknown: Repository ${repository} not found`);
  }
  return repository;
}

function login(call: Call): string {
  const {
    args: [host = "docker.io"],
  } = call;
  const username = call.text("username");
  const insecure = call.text("password");
  if (username === undefined) throw new UsageError("Must provide --username with --password-stdin");
  if (insecure === undefined && !call.has("password-stdin")) {
    throw new UsageError("Cannot perform an interactive login from a non TTY device");
  }
  const password = insecure ?? readFileSync(0, "utf8").trim();
  if (host !== REGISTRY || !isPassword(username, password)) {
    throw new DockerError(
      `Error response from daemon: Get "https://${host}/v2/": unauthorized: Password is invalid`,
    );
  }
  if (insecure !== undefined) {
    process.stderr.write(
      "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n",
    );
  }
  changeClient((it) => {
    it.logins[host] = username;
    if (insecure !== undefined) it.passwordOnCommandLine = true;
  });
  return "Login Succeeded";
}

function isPassword(username: string, password: string): boolean {
  if (username === "iam") return password.startsWith("t1.");
  if (username === "oauth") return password.startsWith("y");
  return username === "json_key" && password.startsWith("{");
}

function find(text: string): Image {
  const reference = parseReference(text);
  const cloud = readCloud();
  const repository = authorize(cloud, reference);
  const found = cloud.images.find(
    (image) =>
      image.repository === repository &&
      (reference.digest ? image.digest === reference.digest : image.tags.includes(reference.tag)),
  );
  if (!found) throw new DockerError(`${text}: not found`);
  return found;
}

function pull(text: string): string {
  const image = find(text);
  const { name, text: local, digest } = parseReference(text);
  changeClient(({ images }) => {
    images[digest ? `${name}@${digest}` : local] = {
      id: image.digest,
      digest: image.digest,
      index: image.index ?? false,
      platform: image.platform ?? "linux/amd64",
      repoDigests: [`${name}@${image.digest}`],
    };
  });
  return `Digest: ${image.digest}\nStatus: Downloaded newer image for ${text}\n${text}`;
}

function inspect(call: Call): string {
  const [text = ""] = call.args;
  const image = find(text);
  if (call.has("raw")) return JSON.stringify(manifest(image), null, 2);
  const { mediaType } = manifest(image);
  const format = call.text("format");
  const descriptor = { mediaType, digest: image.digest, size: 1234 };
  if (format !== undefined) {
    return template(format, { Name: text, Manifest: { ...descriptor, Digest: image.digest } });
  }
  return `Name:      ${text}\nMediaType: ${mediaType}\nDigest:    ${image.digest}`;
}

function manifest(image: Image) {
  return { schemaVersion: 2, mediaType: image.index ? INDEX : MANIFEST };
}
