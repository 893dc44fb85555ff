import * as v from "valibot";
import type { CloudApi } from "../cloud/cloud-api.ts";
import { UserError } from "../shell/user-error.ts";

const SERVICE = "container-registry";
const PATH = "/container-registry/v1/images";
const PURGE_ROUNDS = 5;
const IMAGE =
  /^cr\.yandex\/(?<repository>[a-z0-9]+\/[a-z0-9._/-]+)@(?<digest>sha256:[0-9a-f]{64})$/;

/** An image in the registry. */
export interface RegistryImage {
  readonly id: string;
  readonly digest: string;
  readonly tags: readonly string[];
  /** Compressed; layers that it shares with others are in it. */
  readonly bytes?: number | undefined;
}

/** The parts of an image reference by digest. */
export interface ImageReference {
  /** `<registry id>/<repository>`. */
  readonly repository: string;
  readonly digest: string;
}

/** Takes an image reference apart; rejects one without a digest. */
export function parseImage(image: string): ImageReference {
  const groups = IMAGE.exec(image)?.groups;
  if (groups) return { repository: String(groups.repository), digest: String(groups.digest) };
  throw new UserError(
    `"${image}" is not an image by digest. Write cr.yandex/<registry>/<repository>@sha256:<64 hex digits>.`,
  );
}

const imagesSchema = v.array(
  v.pipe(
    v.object({
      id: v.string(),
      digest: v.string(),
      tags: v.optional(v.array(v.string()), []),
      compressedSize: v.optional(v.pipe(v.unknown(), v.toNumber())),
    }),
    v.transform(({ compressedSize: bytes, ...image }) => ({ ...image, bytes })),
  ),
);

/** The images of one repository, given as `<registry id>/<repository>`. */
export async function listImages(api: CloudApi, repository: string): Promise<RegistryImage[]> {
  const query = { repositoryName: repository };
  return v.parse(imagesSchema, await api.list(SERVICE, PATH, "images", query));
}

/** @throws UserError if the registry does not hold the image (any more) */
export async function requireImage(api: CloudApi, image: string): Promise<void> {
  const { repository, digest } = parseImage(image);
  const images = await listImages(api, repository);
  if (images.some((found) => found.digest === digest)) return;
  throw new UserError(
    `The registry does not hold ${image} (any more). Push it again or leave --image out, so that it is built.`,
  );
}

/**
 * Deletes every image of a registry, which has to be empty before the cloud deletes it. Returns how
 * many there were. An index only goes after others have gone, hence the rounds.
 */
export async function purgeRegistry(api: CloudApi, registryId: string): Promise<number> {
  let deleted = 0;
  for (let round = 1; round <= PURGE_ROUNDS; round += 1) {
    const query = { registryId };
    const images = v.parse(imagesSchema, await api.list(SERVICE, PATH, "images", query));
    if (images.length === 0) return deleted;
    for (const { id } of images) {
      await api.operate(SERVICE, `${PATH}/${id}`, "DELETE");
      deleted += 1;
    }
  }
  throw new UserError(
    `Registry ${registryId} still receives images. Stop what pushes to it, then run it again.`,
  );
}
