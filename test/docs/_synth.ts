import { App, Testing } from "cdktf";
import { AppStack } from "../../stacks/app.ts";
import type { Config } from "../../stacks/config-schema.ts";
import { DataStack } from "../../stacks/data.ts";
import { RegistryStack } from "../../stacks/registry.ts";
import { hasData, resolveSettings } from "../../stacks/settings.ts";

const MINIMAL: Config = { project: "shop", celeryApp: "shop.celery:app" };
/** What has to stand beside a field. */
const BESIDE: Readonly<Record<string, object>> = {
  backend: { type: "s3", bucket: "shop-state" },
  // The default class takes smaller disks only.
  postgres: { hostClass: "s3-c2-m8" },
};

/** A `config.ts` with one field set, e.g. `web.memoryMib`, and what is required beside it. */
export function configWith(name: string, value?: unknown): unknown {
  const [first = "", ...below] = name.replace("<name>", "heavy").split(".");
  const nested = below.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  const group = below.length === 0 ? value : { ...BESIDE[first], ...(nested as object) };
  return { ...MINIMAL, [first]: group };
}

const synthesized = new Map<string, string>();

/** The Terraform of its stacks but `domain`. */
export function synthesize(config: unknown): string {
  const key = JSON.stringify(config);
  const known = synthesized.get(key);
  if (known !== undefined) return known;
  const text = stacksOf(config)
    .map((stack) => Testing.synth(stack))
    .join("\n");
  synthesized.set(key, text);
  return text;
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
  const data = hasData(settings) ? [new DataStack(app, settings)] : [];
  return [new RegistryStack(app, settings), ...data, new AppStack(app, settings)];
}
