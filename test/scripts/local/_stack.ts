import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { synthesize } from "../../local-cloud/stack/_synthesized.ts";
import { ROOT } from "../../support/sources.ts";

/** A folder with a synthesized stack, and these files. */
export async function stackWith(files: Readonly<Record<string, string>>): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "checks-"));
  for (const name of ["config.ts", "main.ts", "stacks", "constructs", "node_modules", "packages"]) {
    symlinkSync(join(ROOT, name), join(root, name));
  }
  const stack = "cdktf.out/stacks/app/cdk.tf.json";
  mkdirSync(join(root, dirname(stack)), { recursive: true });
  writeFileSync(join(root, stack), await synthesize({ image: { context: "." } }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  return root;
}
