import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Call, UsageError } from "../cli.ts";
import type { LocalImage } from "../state.ts";
import { buildImage, checkContexts, describeResult, readDockerfile } from "./build.ts";
import { type DockerCommand, DockerError } from "./command.ts";

/** One target of the definition, with what `--set` has changed. */
interface Target {
  context: string;
  dockerfile: string;
  contexts: Record<string, string>;
  tags: string[];
  platforms: string[];
}

type Targets = Readonly<Record<string, Target>>;

const FIELDS = ["context", "dockerfile", "contexts", "tags", "platforms", "args", "target"];

export const BAKE: readonly DockerCommand[] = [
  {
    path: "buildx bake",
    flags: {
      file: "list",
      set: "list",
      allow: "list",
      provenance: "string",
      sbom: "string",
      push: "bool",
      load: "bool",
      "metadata-file": "string",
      progress: "string",
      pull: "bool",
      "no-cache": "bool",
    },
    args: [0, 99],
    run: bake,
  },
];

function bake(call: Call): string {
  const targets = readTargets(call);
  const wanted = call.args.length > 0 ? call.args : ["default"];
  for (const name of wanted) find(targets, name);
  refuseForeignFolders(call, targets, wanted);
  const results = wanted.map((name) => ({ name, ...buildTarget(call, targets, name, true) }));
  const metadata = call.text("metadata-file");
  if (metadata !== undefined) {
    const entries = results.map(({ name, image }) => [
      name,
      describeResult(image, call.has("push"), targets[name]?.tags[0]),
    ]);
    writeFileSync(metadata, JSON.stringify(Object.fromEntries(entries), null, 2));
  }
  const steps = "#1 building with the stand-in\n#2 DONE 0.0s";
  return [steps, ...results.flatMap(({ pushed }) => pushed)].join("\n");
}

/** A target that another one stands on is built, and neither named nor pushed. */
function buildTarget(
  call: Call,
  targets: Targets,
  name: string,
  requested: boolean,
): { readonly image: LocalImage; readonly pushed: readonly string[] } {
  const target = find(targets, name);
  const named = Object.entries(target.contexts);
  const linked = named.filter(([, value]) => value.startsWith("target:"));
  const folders = named.filter(([, value]) => !value.startsWith("target:"));
  const bases = linked.map(([, value]) =>
    buildTarget(call, targets, value.slice("target:".length), false),
  );
  return buildImage({
    contexts: checkContexts(new Map([["", target.context], ...folders])),
    dockerfile: readDockerfile(join(target.context, target.dockerfile)),
    platform: target.platforms.join(",") || undefined,
    attested: call.text("provenance") !== "false" || (call.text("sbom") ?? "false") !== "false",
    inputs: bases.map(({ image }) => image.id),
    tags: requested ? target.tags : [],
    push: requested && call.has("push"),
  });
}

function find(targets: Targets, name: string): Target {
  const target = targets[name];
  if (target) return target;
  throw new DockerError(`failed to find target ${name}`);
}

function readTargets(call: Call): Targets {
  const targets: Record<string, Target> = {};
  for (const file of call.list("file")) {
    if (!existsSync(file)) {
      throw new DockerError(`failed to read ${file}: open ${file}: no such file or directory`);
    }
    const { target } = parseDefinition(file);
    for (const [name, given] of Object.entries(target)) targets[name] = complete(given);
  }
  const tagged = new Set<Target>();
  for (const override of call.list("set")) change(targets, override, tagged);
  return targets;
}

function parseDefinition(file: string): { target: Record<string, Partial<Target>> } {
  const text = readFileSync(file, "utf8");
  // A template of the definition's language; nothing here has one.
  if (/(?<!\$)\$\{/.test(text)) throw new UsageError(`${file}: Variables not allowed`);
  const { target = {} } = JSON.parse(text);
  for (const [name, fields] of Object.entries(target as Record<string, object>)) {
    const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
    if (unknown) throw new UsageError(`${file}: Unsupported argument ${unknown} in ${name}`);
  }
  return { target };
}

function complete(given: Partial<Target>): Target {
  return {
    ...{ context: ".", dockerfile: "Dockerfile", contexts: {}, tags: [], platforms: [] },
    ...given,
  };
}

/**
 * `--set target.field=value`; a `*` stands for every target. The first tag replaces those of the
 * definition, and each further one is added to it.
 */
function change(targets: Record<string, Target>, override: string, tagged: Set<Target>): void {
  const [, pattern = "", field = "", value = ""] =
    /^([\w*-]+)\.([\w-]+)=([\s\S]*)$/.exec(override) ?? [];
  if (pattern === "") {
    throw new UsageError(`invalid override ${override}, expected target.name=value`);
  }
  const names = Object.keys(targets).filter((name) => pattern === "*" || name === pattern);
  if (names.length === 0) throw new UsageError(`could not find any target matching '${pattern}'`);
  for (const name of names) {
    const target = targets[name] as Target;
    if (field === "context" || field === "dockerfile") target[field] = value;
    else if (field === "tags") {
      target.tags = [...(tagged.has(target) ? target.tags : []), value];
      tagged.add(target);
    } else if (field === "platform") target.platforms = [value];
    else throw new UsageError(`unknown key: ${field}`);
  }
}

/** What lies outside of the folder needs a word of the user's, for which buildx would ask. */
function refuseForeignFolders(call: Call, targets: Targets, wanted: readonly string[]): void {
  if (process.env.BUILDX_BAKE_ENTITLEMENTS_FS === "0") return;
  const used = wanted.flatMap((name) => withLinked(targets, name));
  const folders = used.flatMap(({ context, contexts }) => [context, ...Object.values(contexts)]);
  const allowed = call.list("allow").map((word) => word.replace(/^fs(?:\.read)?=/, ""));
  const foreign = folders.find(
    (folder) =>
      !folder.startsWith("target:") &&
      relative(process.cwd(), folder).startsWith("..") &&
      !allowed.some((path) => path === "*" || !relative(path, folder).startsWith("..")),
  );
  if (foreign === undefined) return;
  throw new DockerError(
    `additional privileges requested: read access to path ${foreign}. Pass "--allow=fs.read=${foreign}" to grant requested privileges.`,
  );
}

function withLinked(targets: Targets, name: string): Target[] {
  const target = find(targets, name);
  const linked = Object.values(target.contexts).filter((value) => value.startsWith("target:"));
  return [target, ...linked.flatMap((value) => withLinked(targets, value.slice(7)))];
}
