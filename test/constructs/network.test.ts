import { TerraformOutput, TerraformVariable } from "cdktf";
import { describe, expect, test } from "vitest";
import { Network } from "../../constructs/network.ts";
import { dataSources, refusals, resources, synthPlain } from "../support/synth.ts";

describe("Network", () => {
  test("has a subnet in every availability zone", () => {
    const stack = synthPlain((scope) => {
      const { networkId, subnets } = new Network(scope, "Network", { name: "shop" });
      new TerraformOutput(scope, "known", { value: { networkId, subnets } });
    });
    const network_id = "${yandex_vpc_network.Network.id}";

    expect(resources(stack, "yandex_vpc_network")).toEqual([{ name: "shop" }]);
    expect(resources(stack, "yandex_vpc_subnet")).toEqual([
      {
        ...{ name: "shop-a", network_id, zone: "ru-central1-a" },
        v4_cidr_blocks: ["10.128.0.0/24"],
      },
      {
        ...{ name: "shop-b", network_id, zone: "ru-central1-b" },
        v4_cidr_blocks: ["10.129.0.0/24"],
      },
      {
        ...{ name: "shop-d", network_id, zone: "ru-central1-d" },
        v4_cidr_blocks: ["10.131.0.0/24"],
      },
    ]);
    expect(stack.output?.known?.value).toEqual({
      networkId: network_id,
      subnets: ["a", "b", "d"].map((letter) => ({
        id: `\${yandex_vpc_subnet.Network_Subnet-${letter}.id}`,
        zone: `ru-central1-${letter}`,
      })),
    });
  });

  test("can be one that exists, whose subnets' zones are looked up", () => {
    const stack = synthPlain((scope) => {
      const { networkId, subnets } = Network.fromIds(scope, "Network", {
        networkId: "enp1",
        subnetIds: ["e2l1", "e9b1"],
      });
      new TerraformOutput(scope, "known", { value: { networkId, subnets } });
    });

    expect(stack.resource).toBeUndefined();
    expect(dataSources(stack, "yandex_vpc_subnet")).toEqual([
      { subnet_id: "e2l1" },
      { subnet_id: "e9b1" },
    ]);
    expect(stack.output?.known?.value).toEqual({
      networkId: "enp1",
      subnets: [
        { id: "e2l1", zone: "${data.yandex_vpc_subnet.Network_Subnet-e2l1.zone}" },
        { id: "e9b1", zone: "${data.yandex_vpc_subnet.Network_Subnet-e9b1.zone}" },
      ],
    });
  });

  test("refuses a name that the cloud does not take, if it is known", () => {
    expect(refusals((scope) => new Network(scope, "Network", { name: "Shop" }))).toEqual([
      "[app/Network] 'name' is \"Shop\", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the network.",
    ]);
    expect(
      refusals((scope) => {
        const { stringValue: name } = new TerraformVariable(scope, "value", {});
        new Network(scope, "Network", { name });
      }),
    ).toEqual([]);
  });
});
