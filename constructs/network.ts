import { DataYandexVpcSubnet } from "@cdktf/provider-yandex/lib/data-yandex-vpc-subnet";
import { VpcNetwork } from "@cdktf/provider-yandex/lib/vpc-network";
import { VpcSubnet } from "@cdktf/provider-yandex/lib/vpc-subnet";
import { Construct } from "constructs";
import { checkName, type NamedProps } from "./_name.ts";
import { refuseAtSynth } from "./_refusal.ts";

/** Props of {@link Network}. */
export type NetworkProps = NamedProps;

/** A network that exists already. */
export interface ExistingNetwork {
  readonly networkId: string;
  /** One in each availability zone. The first one's zone is where a single host goes. */
  readonly subnetIds: readonly string[];
}

/** A part of a network in one availability zone. */
export interface Subnet {
  readonly id: string;
  readonly zone: string;
}

/** The ranges that the default network of a new cloud has, too. */
const RANGES = {
  "ru-central1-a": "10.128.0.0/24",
  "ru-central1-b": "10.129.0.0/24",
  "ru-central1-d": "10.131.0.0/24",
} as const;

/**
 * A private network with a subnet in every availability zone, which containers need to reach it.
 * What is in it keeps its way to the internet without a NAT gateway if it is a container, and has none
 * otherwise.
 *
 * All containers of a cloud may have to share one network: the documentation of 2025 says so. A second
 * stage in the same cloud then takes the first one's, by `fromIds`.
 *
 * Deleting it works 15 minutes to 24 hours after the last container has left it.
 *
 * @see https://yandex.cloud/en/docs/serverless-containers/concepts/networking
 */
export class Network extends Construct {
  /** A network that is not managed here. */
  static fromIds(scope: Construct, id: string, existing: ExistingNetwork): Network {
    return new Network(scope, id, existing);
  }

  readonly networkId: string;
  readonly subnets: readonly Subnet[];

  constructor(scope: Construct, id: string, props: NetworkProps | ExistingNetwork) {
    super(scope, id);
    if ("networkId" in props) {
      this.networkId = props.networkId;
      this.subnets = props.subnetIds.map((subnetId) => this.findSubnet(subnetId));
    } else {
      refuseAtSynth(this, (refuse) => checkName(props.name, "network", refuse));
      const network = new VpcNetwork(this, "Resource", { name: props.name });
      this.networkId = network.id;
      this.subnets = Object.keys(RANGES).map((zone) =>
        this.defineSubnet(props.name, zone as keyof typeof RANGES),
      );
    }
  }

  private findSubnet(subnetId: string): Subnet {
    const { zone } = new DataYandexVpcSubnet(this, `Subnet-${subnetId}`, { subnetId });
    return { id: subnetId, zone };
  }

  private defineSubnet(name: string, zone: keyof typeof RANGES): Subnet {
    const letter = zone.at(-1);
    const { id } = new VpcSubnet(this, `Subnet-${letter}`, {
      name: `${name}-${letter}`,
      networkId: this.networkId,
      zone,
      v4CidrBlocks: [RANGES[zone]],
    });
    return { id, zone };
  }
}
