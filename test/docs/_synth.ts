import { App, Testing } from "cdktf";
import { AppStack } from "../../stacks/app.ts";
import type { Config } from "../../stacks/config-schema.ts";
import { RegistryStack } from "../../stacks/registry.ts";
import { resolveSettings } from "../../stacks/settings.ts";

const MINIMAL: Config = { project: "shop", celeryApp: "shop.celery:app" };
/** What has to stand beside a field. */
const BESIDE: Readonly<Record<string, object>> = {
  backend: { type: "s3", bucket: "shop-state" },
};

/** A `config.ts` with one field set, e.g. `web.memoryMib`, and what is required beside it. */
export function configWith(name: string, value?: unknown): unknown {
  const [first = "", second] = name.split(".");
  const group = { ...BESIDE[first], ...(second === undefined ? {} : { [second]: value }) };
  return { ...MINIMAL, [first]: second === undefined ? value : group };
}

/** The Terraform of stacks `registry` and `app`. */
export function synthesize(config: unknown): string {
  return stacksOf(config)
    .map((stack) => Testing.synth(stack))
    .join("\n");
}

/** What is wrong with it, a message each. */
export function problemsOf(config: unknown): string[] {
  try {
    return stacksOf(config)
      .flatMap((stack) => stack.node.findAll())
      .flatMap((construct) => construct.node.validate());
  } catch (error) {
    return [String(error)];
  }
}

function stacksOf(config: unknown) {
  const settings = resolveSettings(config);
  const app = new App({ outdir: "cdktf.out" });
  return [new RegistryStack(app, settings), new AppStack(app, settings)];
}
