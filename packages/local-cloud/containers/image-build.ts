/**
 * How an image is built: the project's own, and on top of it what the worker package lays there. In
 * the project's folder, which the definition's paths are relative to.
 */
export const BAKE = [
  "buildx",
  "bake",
  "--file=packages/celery-push-worker/layer/bake.json",
] as const;

/** The target that is the whole image. */
export const BAKE_TARGET = "image";

/** Sources may lie beside the project's folder, which buildx would ask about. */
export const BAKE_ENVIRONMENT = { BUILDX_BAKE_ENTITLEMENTS_FS: "0" } as const;

/** What the project's own image is built from. The Dockerfile is relative to the context. */
export function renderSources(context: string, dockerfile: string): string[] {
  return [`--set=app.context=${context}`, `--set=app.dockerfile=${dockerfile}`];
}
