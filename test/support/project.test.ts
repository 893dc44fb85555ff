import { join } from "node:path";
import { expect, test } from "vitest";
import { describeTerraform, newCloud, newStack, terraform } from "../cloud/terraform.ts";
import { unlockHashes } from "./project.ts";

const PROVIDERS = { yandex: { source: "yandex-cloud/yandex", version: "~> 0.220" } };
const BLOCK = (host: string) => `provider "${host}/yandex-cloud/yandex" {
  version     = "0.220.0"
  constraints = "~> 0.220"
  hashes = [
    "h1:${"A".repeat(43)}=",
    "zh:${"0".repeat(64)}",
  ]
}
`;
const LOCK = ["registry.opentofu.org", "registry.terraform.io"].map(BLOCK).join("\n");

describeTerraform("a lock with the vendor's checksums", () => {
  const lockedStack = () =>
    newStack({
      "main.tf.json": { terraform: [{ required_providers: PROVIDERS }] },
      ".terraform.lock.hcl": LOCK,
    });

  test("refuses the stand-in, until they are taken out", async () => {
    const cloud = newCloud();
    const locked = lockedStack();
    const unlocked = lockedStack();
    unlockHashes(join(unlocked, ".terraform.lock.hcl"));

    const refused = await terraform(locked, cloud, ["init", "-input=false"]);
    const taken = await terraform(unlocked, cloud, ["init", "-input=false"]);

    expect(refused.output).toContain("checksums");
    expect(refused.code).toBe(1);
    expect(taken.code, taken.output).toBe(0);
  });
});
