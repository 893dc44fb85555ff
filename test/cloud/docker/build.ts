import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Call, type Flags, UsageError } from "../cli.ts";
import type { LocalImage } from "../state.ts";
import { changeClient, type DockerCommand, DockerError, parseReference } from "./command.ts";
import { checkCopies, contextFiles, hashFiles } from "./context.ts";
import { push } from "./registry.ts";

const FLAGS: Flags = {
  platform: "string",
  provenance: "string",
  sbom: "string",
  file: "string",
  tag: "list",
  push: "bool",
  load: "bool",
  "metadata-file": "string",
  iidfile: "string",
  "build-context": "list",
  "build-arg": "list",
  label: "list",
  secret: "list",
  target: "string",
  progress: "string",
  quiet: "bool",
  pull: "bool",
  "no-cache": "bool",
  "cache-from": "list",
  "cache-to": "list",
};

export const BUILD: readonly DockerCommand[] = ["build", "buildx build", "image build"].map(
  (path) => ({ path, flags: FLAGS, args: [1, 1], run: build }),
);

/** What one image is built from, and what becomes of it. */
export interface Build {
  /** Folders by name; the main one has none. */
  readonly contexts: ReadonlyMap<string, string>;
  /** Text of the Dockerfile. */
  readonly dockerfile: string;
  readonly platform: string | undefined;
  readonly attested: boolean;
  /** Other images that it stands on, and arguments: whatever else decides its content. */
  readonly inputs: readonly string[];
  readonly tags: readonly string[];
  readonly push: boolean;
}

function build(call: Call): string {
  const contexts = readContexts(call);
  const attested =
    call.text("provenance") !== "false" || (call.text("sbom") ?? "false") !== "false";
  const { image, pushed } = buildImage({
    contexts,
    dockerfile: readDockerfile(call.text("file") ?? join(contexts.get("") ?? "", "Dockerfile")),
    platform: call.text("platform"),
    attested,
    inputs: call.list("build-arg"),
    tags: call.list("tag"),
    push: call.has("push"),
  });
  writeResults(call, image);
  const steps = call.has("quiet") ? [] : [`#1 building with the stand-in\n#2 DONE 0.0s`];
  return [...steps, ...(call.has("quiet") ? [image.id] : pushed)].join("\n");
}

/** Builds an image, names it, and pushes it. */
export function buildImage({ tags: names, push: pushes, ...build }: Build): {
  readonly image: LocalImage;
  readonly pushed: readonly string[];
} {
  checkCopies(build.dockerfile, build.contexts);
  const image = makeImage(build);
  const tags = names.map(parseReference);
  if (pushes && tags.length === 0) {
    throw new DockerError("failed to build: tag is needed when pushing to registry");
  }
  changeClient(({ images }) => {
    for (const { text } of tags) images[text] = image;
  });
  return { image, pushed: pushes ? tags.map(({ text }) => push(text)) : [] };
}

function readContexts(call: Call): Map<string, string> {
  const named = call.list("build-context").map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw new UsageError(`invalid context value: ${word}, expected key=value`);
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  return checkContexts(new Map([["", call.args[0] ?? ""], ...named]));
}

/** The same contexts, each of which is there. */
export function checkContexts(contexts: Map<string, string>): Map<string, string> {
  for (const path of contexts.values()) {
    if (!existsSync(path)) {
      throw new DockerError(
        `failed to build: unable to prepare context: path ${JSON.stringify(path)} not found`,
      );
    }
  }
  return contexts;
}

export function readDockerfile(file: string): string {
  if (existsSync(file)) return readFileSync(file, "utf8");
  throw new DockerError(
    "failed to build: failed to solve: failed to read dockerfile: " +
      `open ${file}: no such file or directory`,
  );
}

// Attestations are on unless they are turned off, and turn the result into an index.
function makeImage({
  contexts,
  dockerfile,
  platform = `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
  attested,
  inputs,
}: Omit<Build, "tags" | "push">): LocalImage {
  const hash = createHash("sha256").update(JSON.stringify([dockerfile, platform, inputs]));
  for (const [name, root] of [...contexts].sort()) {
    hash.update(name);
    hashFiles(hash, root, contextFiles(root));
  }
  const content = hash.digest("hex");
  return {
    id: digest(`config ${content}`),
    digest: digest(`${attested ? "index" : "manifest"} ${content}`),
    index: attested || platform.includes(","),
    platform,
    repoDigests: [],
  };
}

function writeResults(call: Call, image: LocalImage): void {
  const metadata = call.text("metadata-file");
  const idFile = call.text("iidfile");
  const [name] = call.list("tag").map((tag) => parseReference(tag).text);
  if (idFile !== undefined) writeFileSync(idFile, shownDigest(image, call.has("push")));
  if (metadata === undefined) return;
  writeFileSync(metadata, JSON.stringify(describeResult(image, call.has("push"), name), null, 2));
}

/** What buildx writes about an image into its file of metadata. */
export function describeResult(image: LocalImage, pushed: boolean, name: string | undefined) {
  return {
    "buildx.build.ref": "default/default/standin",
    "containerimage.config.digest": image.id,
    "containerimage.digest": shownDigest(image, pushed),
    ...(name === undefined ? {} : { "image.name": name }),
  };
}

function shownDigest(image: LocalImage, pushed: boolean): string {
  return pushed ? image.digest : image.id;
}

function digest(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
