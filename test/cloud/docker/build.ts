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

function build(call: Call): string {
  const contexts = readContexts(call);
  const dockerfile = readDockerfile(call, contexts.get("") ?? "");
  checkCopies(dockerfile, contexts);
  const image = makeImage(call, dockerfile, contexts);
  const tags = call.list("tag").map(parseReference);
  if (call.has("push") && tags.length === 0) {
    throw new DockerError("failed to build: tag is needed when pushing to registry");
  }
  changeClient(({ images }) => {
    for (const { text } of tags) images[text] = image;
  });
  const pushed = call.has("push") ? tags.map(({ text }) => push(text)) : [];
  writeResults(call, image, tags[0]?.text);
  const steps = call.has("quiet") ? [] : [`#1 building with the stand-in\n#2 DONE 0.0s`];
  return [...steps, ...(call.has("quiet") ? [image.id] : pushed)].join("\n");
}

function readContexts(call: Call): Map<string, string> {
  const named = call.list("build-context").map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw new UsageError(`invalid context value: ${word}, expected key=value`);
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  const contexts = new Map([["", call.args[0] ?? ""], ...named]);
  for (const path of contexts.values()) {
    if (!existsSync(path)) {
      throw new DockerError(
        `failed to build: unable to prepare context: path ${JSON.stringify(path)} not found`,
      );
    }
  }
  return contexts;
}

function readDockerfile(call: Call, root: string): string {
  const file = call.text("file") ?? join(root, "Dockerfile");
  if (existsSync(file)) return readFileSync(file, "utf8");
  throw new DockerError(
    "failed to build: failed to solve: failed to read dockerfile: " +
      `open ${file}: no such file or directory`,
  );
}

// Attestations are on unless they are turned off, and turn the result into an index.
function makeImage(
  call: Call,
  dockerfile: string,
  contexts: ReadonlyMap<string, string>,
): LocalImage {
  const attested =
    call.text("provenance") !== "false" || (call.text("sbom") ?? "false") !== "false";
  const platform =
    call.text("platform") ?? `linux/${process.arch === "x64" ? "amd64" : process.arch}`;
  const hash = createHash("sha256").update(
    JSON.stringify([dockerfile, platform, call.list("build-arg")]),
  );
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

function writeResults(call: Call, image: LocalImage, name: string | undefined): void {
  const shown = call.has("push") ? image.digest : image.id;
  const metadata = call.text("metadata-file");
  const idFile = call.text("iidfile");
  if (idFile !== undefined) writeFileSync(idFile, shown);
  if (metadata === undefined) return;
  const content = {
    "buildx.build.ref": "default/default/standin",
    "containerimage.config.digest": image.id,
    "containerimage.digest": shown,
    ...(name === undefined ? {} : { "image.name": name }),
  };
  writeFileSync(metadata, JSON.stringify(content, null, 2));
}

function digest(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
