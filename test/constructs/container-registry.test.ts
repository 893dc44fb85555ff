import { TerraformOutput, type TerraformStack } from "cdktf";
import { describe, expect, test } from "vitest";
import {
  ContainerRegistry,
  type ContainerRegistryProps,
} from "../../constructs/container-registry.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { addresses, grants, raw, refusals, resources, synthPlain } from "../support/synth.ts";

const POLICY = "yandex_container_repository_lifecycle_policy";
const BINDING = "yandex_container_registry_iam_binding";

describe("ContainerRegistry", () => {
  test("creates a registry, its repository and a policy that keeps ten images", () => {
    const stack = synthPlain(defineRegistry);

    expect(resources(stack, "yandex_container_registry")).toEqual([{ name: "shop" }]);
    expect(resources(stack, "yandex_container_repository")).toEqual([
      { name: "${yandex_container_registry.Images.id}/site" },
    ]);
    expect(resources(stack, POLICY)).toEqual([
      {
        repository_id: `\${${addresses(stack, "yandex_container_repository")}.id}`,
        status: "active",
        rule: [
          {
            description: "Keep the newest 10 tagged images",
            tag_regexp: ".*",
            untagged: false,
            retained_top: 10,
          },
          {
            description: "Remove untagged images after 14 days",
            untagged: true,
            expire_period: "336h0m0s",
            retained_top: 0,
          },
        ],
      },
    ]);
    expect(resources(stack, "terraform_data")).toEqual([]);
  });

  test("passes every option through", () => {
    const stack = synthPlain((scope) =>
      defineRegistry(scope, {
        name: "other",
        repository: "team/site",
        keepNewest: 2,
        untaggedDays: 30,
      }),
    );

    expect(resources(stack, "yandex_container_registry")).toEqual([{ name: "other" }]);
    expect(resources(stack, "yandex_container_repository")).toEqual([
      { name: "${yandex_container_registry.Images.id}/team/site" },
    ]);
    expect(resources(stack, POLICY)).toMatchObject([
      {
        rule: [
          { description: "Keep the newest 2 tagged images", retained_top: 2 },
          { description: "Remove untagged images after 30 days", expire_period: "720h0m0s" },
        ],
      },
    ]);
  });

  test("never lets a tagged image go by its age", () => {
    const stack = synthPlain(defineRegistry);

    const [policy] = resources(stack, POLICY);
    const rules = policy?.rule as Record<string, unknown>[];
    expect(rules.filter((rule) => rule.expire_period && !rule.untagged)).toEqual([]);
  });

  test("empties the registry before the repository is destroyed", () => {
    const stack = synthPlain((scope) => defineRegistry(scope, { purgeCommand: "npm run purge" }));

    expect(resources(stack, "terraform_data")).toEqual([
      {
        triggers_replace: "${yandex_container_registry.Images.id}",
        depends_on: addresses(stack, "yandex_container_repository"),
        provisioner: [
          {
            "local-exec": {
              when: "destroy",
              command: "npm run purge",
              environment: { REGISTRY_ID: "${self.triggers_replace}" },
            },
          },
        ],
      },
    ]);
  });

  test("is known by id and by what its images' names start with", () => {
    let registry: ContainerRegistry | undefined;
    const stack = synthPlain((scope) => {
      registry = defineRegistry(scope);
      new ServiceAccount(scope, "Probe", {
        name: registry.id,
        description: registry.repositoryUrl,
      });
    });

    expect(resources(stack, "yandex_iam_service_account")).toEqual([
      {
        name: "${yandex_container_registry.Images.id}",
        description: "cr.yandex/${yandex_container_registry.Images.id}/site",
      },
    ]);
  });

  test.each<[string, object, string]>([
    [
      "a name with an underscore",
      { name: "my_shop" },
      "[app/Images] 'name' is \"my_shop\", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the registry.",
    ],
    [
      "a repository with a slash at the end",
      { repository: "site/" },
      "[app/Images] 'repository' is \"site/\", allowed: lowercase letters and digits, joined by . _ - or /. Rename the repository.",
    ],
    [
      "one image to keep",
      { keepNewest: 1 },
      "[app/Images] 'keepNewest' is 1, allowed: a whole number from 2. Keep the image that runs and at least one to go back to.",
    ],
    [
      "untagged images that go after 13 days",
      { untaggedDays: 13 },
      "[app/Images] 'untaggedDays' is 13, allowed: a whole number of days from 14. Keep untagged images for two weeks: a revision that runs may need one.",
    ],
  ])("rejects %s", (_, props, message) => {
    expect(refusals((scope) => defineRegistry(scope, props))).toEqual([message]);
  });

  test("grants pull on this registry, to all by one binding", () => {
    const stack = synthPlain((scope) => {
      const registry = defineRegistry(scope);
      const account = ServiceAccount.fromId(scope, "Account", {
        accountId: "aje1",
        folderId: "b1g1",
      });
      registry.grantPull(account);
      registry.grantPull(new ServiceAccount(scope, "Other", { name: "other" }));
    });

    const binding = {
      registry_id: "${yandex_container_registry.Images.id}",
      lifecycle: { ignore_changes: ["sleep_after"] },
    };
    const other = "serviceAccount:${yandex_iam_service_account.Other.id}";
    const members = ["serviceAccount:aje1", other];
    expect(resources(stack, BINDING)).toEqual([
      { ...binding, role: "container-registry.images.puller", members },
    ]);
    expect(grants(stack)).toEqual([]);
    expect(resources(stack, "terraform_data")).toMatchObject([
      { depends_on: addresses(stack, BINDING) },
    ]);
  });

  test("grants pull of an image of another registry in the folder, for as long as it is one", () => {
    const stack = synthPlain((scope) => {
      const account = { accountId: "aje1", folderId: "b1g1" };
      const image = "cr.yandex/crp2/app@sha256:1";
      defineRegistry(scope).grantPull(ServiceAccount.fromId(scope, "Account", account), image);
    });

    expect(resources(stack, BINDING)).toHaveLength(1);
    expect(grants(stack)).toMatchObject([
      {
        folder_id: "b1g1",
        role: "container-registry.images.puller",
        count: expect.stringContaining("!= yandex_container_registry.Images.id"),
      },
    ]);
  });

  test("is found by its name where another stack has made it", () => {
    const stack = synthPlain((scope) => {
      const names = { registryName: "shop-images", repository: "app" };
      const registry = ContainerRegistry.fromName(scope, "Images", names);
      new TerraformOutput(scope, "url", { value: registry.repositoryUrl });
    });

    expect(stack.data?.yandex_container_registry?.Images).toMatchObject({ name: "shop-images" });
    expect(stack.resource).toBeUndefined();
    expect(stack.output?.url?.value).toBe(
      "cr.yandex/${data.yandex_container_registry.Images.id}/app",
    );
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) =>
      raw(defineRegistry(scope)).addOverride("labels", { team: "shop" }),
    );

    expect(resources(stack, "yandex_container_registry")).toEqual([
      { name: "shop", labels: { team: "shop" } },
    ]);
  });
});

function defineRegistry(
  scope: TerraformStack,
  props?: Partial<ContainerRegistryProps>,
): ContainerRegistry {
  return new ContainerRegistry(scope, "Images", { name: "shop", repository: "site", ...props });
}
