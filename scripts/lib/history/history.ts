import * as v from "valibot";
import type { Session } from "../cloud/session.ts";
import { commitOf } from "../image/commit.ts";
import { listImages, parseImage, type RegistryImage } from "../image/registry-images.ts";
import type { DeployedApp } from "../terraform/outputs.ts";

/** A time in which a stage's containers had one image. */
export interface Deployment {
  /** By digest. */
  readonly image: string;
  readonly digest: string;
  /** When the first container got it, in milliseconds since the epoch. */
  readonly at: number;
  /** Revisions that were made of it, of all containers: more than one each where settings changed. */
  readonly revisions: number;
  /** The roles of the containers that run it now. */
  readonly runs: readonly string[];
  /** The commit it was built from, where that is known. */
  readonly commit?: string | undefined;
  /** Whether the registry still has it, so that a stage can go back to it. */
  readonly kept: boolean;
}

/** One revision of a container. */
export interface Revision {
  readonly role: string;
  readonly image: string;
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly active: boolean;
}

const SHOWN = "sha256:".length + 12;
const SERVICE = "serverless-containers";
const PATH = "/containers/v1/revisions";

const revisionsSchema = v.array(
  v.object({
    status: v.string(),
    createdAt: v.pipe(v.string(), v.transform(Date.parse), v.number()),
    image: v.object({ imageUrl: v.string(), imageDigest: v.string() }),
  }),
);

/** What has run in a stage, the newest first. */
export async function readHistory(
  { api }: Pick<Session, "api">,
  { containers }: Pick<DeployedApp, "containers">,
): Promise<Deployment[]> {
  const roles = Object.entries(containers);
  const revisions = await Promise.all(
    roles.map(async ([role, { id }]) => {
      const list = await api.list(SERVICE, PATH, "revisions", { containerId: id });
      return v.parse(revisionsSchema, list).map(({ status, createdAt, image }) => ({
        ...{ role, at: createdAt, active: status === "ACTIVE" },
        ...{ image: image.imageUrl, digest: image.imageDigest },
      }));
    }),
  );
  const repositories = new Set(roles.map(([, { image }]) => parseImage(image).repository));
  const images = await Promise.all([...repositories].map((it) => listImages(api, it)));
  return foldRevisions(revisions.flat(), images.flat());
}

/** Revisions of all containers, in any order, as what ran one after the other, the newest first. */
export function foldRevisions(
  revisions: readonly Revision[],
  images: readonly RegistryImage[],
): Deployment[] {
  const runs: Revision[][] = [];
  for (const revision of [...revisions].sort((a, b) => a.at - b.at)) {
    const last = runs.at(-1);
    if (last?.[0]?.digest === revision.digest) last.push(revision);
    else runs.push([revision]);
  }
  return runs.map((run) => describe(run, images)).reverse();
}

/** A deployment as a line: when, which image, which commit, where it runs. */
export function formatDeployment({ at, digest, commit, runs, kept }: Deployment): string {
  return [
    formatDay(at),
    short(digest),
    (commit ? `commit ${commit}` : "no commit known").padEnd("commit 012345678901-dirty".length),
    runs.length > 0 ? `runs in ${runs.join(", ")}` : kept ? "" : "no longer in the registry",
  ]
    .join("  ")
    .trimEnd();
}

/** A digest as far as a person reads it. */
export function short(digest: string): string {
  return digest.slice(0, SHOWN);
}

function formatDay(at: number): string {
  const time = new Date(at);
  const two = (value: number) => `${value}`.padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

function describe(run: readonly Revision[], images: readonly RegistryImage[]): Deployment {
  const [{ image, digest, at } = run[0] as Revision] = run;
  const known = images.find((it) => it.digest === digest);
  return {
    ...{ image: withDigest(image, digest), digest, at, revisions: run.length },
    runs: run
      .filter(({ active }) => active)
      .map(({ role }) => role)
      .sort(),
    commit: known && commitOf(known.tags),
    kept: known !== undefined,
  };
}

// A revision that was made by a tag says so, and a tag may have moved since.
function withDigest(image: string, digest: string): string {
  return `${image.replace(/[@:][^/]*$/, "")}@${digest}`;
}
