import { type Behaviour, fail } from "../behaviour.ts";
import { elements, isUnknown, text } from "../values.ts";
import { generic, genericData } from "./generic.ts";

const plainNetwork = generic({
  half: "sdk",
  prefix: "enp",
  unique: "Network",
  options: { replaceOn: ["folder_id"] },
  computed: () => ({ subnet_ids: [], default_security_group_id: "" }),
});

/** Cannot be deleted while something is in it, nor for a while after the last container left it. */
export const network: Behaviour = {
  ...plainNetwork,
  remove(call, state) {
    const id = text(state.id);
    const inside = Object.entries(call.cloud.others)
      .filter(([type]) => type === "yandex_vpc_subnet" || type === "yandex_vpc_security_group")
      .flatMap(([, things]) => Object.values(things) as { network_id?: string }[])
      .some((thing) => thing.network_id === id);
    if (inside || call.cloud.faults.network) {
      fail("FailedPrecondition", `Network ${id} is not empty`);
    }
    plainNetwork.remove(call, state);
  },
};

/** The service keeps addresses of containers in each subnet. */
const plainSubnet = generic({
  half: "sdk",
  prefix: "e9b",
  unique: "Subnet",
  options: { replaceOn: ["folder_id", "network_id", "zone"] },
  computed: (_call, planned) => ({
    v6_cidr_blocks: [],
    zone: isUnknown(planned.zone) ? "ru-central1-a" : planned.zone,
  }),
});

export const subnet: Behaviour = {
  ...plainSubnet,
  remove(call, state) {
    if (call.cloud.faults.network) {
      fail("FailedPrecondition", `Subnet ${text(state.id)} is in use`);
    }
    plainSubnet.remove(call, state);
  },
};

export const subnetData = genericData("subnet_id", "Subnet");

// The rules get ids; those that a set holds are read back as they were planned.
export const securityGroup = generic({
  half: "sdk",
  prefix: "enp",
  unique: "SecurityGroup",
  options: { replaceOn: ["folder_id", "network_id"] },
  computed: (_call, planned, id) => ({
    status: "ACTIVE",
    ingress: rules(planned.ingress, `${id}i`),
    egress: rules(planned.egress, `${id}e`),
  }),
});

function rules(planned: unknown, prefix: string) {
  return elements(planned).map((rule, index) => ({
    ...rule,
    ...{ id: `${prefix}${index}`, labels: isUnknown(rule.labels) ? {} : rule.labels },
  }));
}
