import { readFileSync } from "node:fs";
import { join } from "node:path";
import { YandexProvider } from "@cdktf/provider-yandex/lib/provider";
import { TerraformOutput, type TerraformStack } from "cdktf";
import { beforeEach, expect, test } from "vitest";
import { ApiGateway } from "../../constructs/api-gateway.ts";
import { DomainCertificate, GatewayDomain } from "../../constructs/domain.ts";
import type { OpenApiDocument } from "../../constructs/open-api.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import {
  type Certificate,
  changeCloud,
  type Faults,
  type Gateway,
  readCloud,
} from "../cloud/state.ts";
import {
  apply,
  describeTerraform,
  newCloud,
  newStack,
  plan,
  terraform,
} from "../cloud/terraform.ts";
import { synth } from "../support/synth.ts";

const ZONE = { zoneId: "dns0123456789abcdefg", zone: "example.com" };
const FQDN = "shop.example.com";
const NO_CHANGES = { code: 0 };

describeTerraform("GatewayDomain under terraform", () => {
  let cloud: string;
  let app: string;

  beforeEach(async () => {
    cloud = newCloud();
    changeCloud((it) => {
      it.others.yandex_dns_zone = { [ZONE.zoneId]: {} };
    }, cloud);
    app = newStack({ "cdk.tf.json": synth(defineApp) });
    const domain = newStack({ "cdk.tf.json": synth(defineCertificate) });
    expect(await apply(domain, cloud)).toMatchObject({ code: 0 });
  });

  test("leaves the gateway without the name until the certificate is issued, then attaches and keeps it", async () => {
    expect(await apply(app, cloud)).toMatchObject({ code: 0 });
    const { domain } = gateway();
    expect(gateway().domains).toEqual([]);
    expect(await planLater()).toMatchObject(NO_CHANGES);
    expect(readCloud(cloud).dnsRecords).toMatchObject({
      [`${ZONE.zoneId}/${FQDN}./CNAME`]: [`${domain}.`],
    });

    certificateBecomes("ISSUED");
    expect((await planLater()).output).toContain("1 to change, 0 to destroy");
    expect(await apply(app, cloud)).toMatchObject({ code: 0 });

    expect(gateway()).toMatchObject({ domain, domains: [{ fqdn: FQDN }] });
    expect(await attached()).toBe(true);
    expect(await planLater()).toMatchObject(NO_CHANGES);

    for (const status of ["RENEWING", "RENEWAL_FAILED"] as const) {
      certificateBecomes(status);
      expect(await apply(app, cloud)).toMatchObject({ code: 0 });
      expect(gateway()).toMatchObject({ domain, domains: [{ fqdn: FQDN }] });
    }
  });

  test("makes a gateway without the name although the certificate is issued already", async () => {
    certificateBecomes("ISSUED");
    breakThe({ attachDomain: true });

    expect(await apply(app, cloud)).toMatchObject({ code: 0 });
    expect(gateway().domains).toEqual([]);
    expect(await attached()).toBe(false);
    const [account] = Object.keys(readCloud(cloud).accounts);
    const spec = JSON.parse(gateway().spec);
    // References are filled in by now, and the gateway's own templates are still there.
    expect(spec.paths["/static/{file+}"].get["x-yc-apigateway-integration"]).toEqual({
      type: "object_storage",
      bucket: "${var.bucket}",
      object: 'say "%{hi}"\n{file}',
    });
    expect(spec.paths["/files/{file+}"].get["x-yc-apigateway-integration"]).toMatchObject({
      bucket: "shop-files",
      service_account_id: account,
    });
  });

  test("survives an attach that fails, and repeats it", async () => {
    certificateBecomes("ISSUED");
    expect(await apply(app, cloud)).toMatchObject({ code: 0 });
    const { domain } = gateway();
    breakThe({ attachDomain: true });
    await nextSecond();

    for (const _ of [1, 2]) {
      const failed = await apply(app, cloud);
      expect(failed).toMatchObject({ code: 1 });
      expect(failed.output).toContain("Domain was not attached");
      expect(gateway()).toMatchObject({ domain, domains: [] });
    }

    breakThe({});
    expect((await planLater()).output).toContain("0 to add, 1 to change, 0 to destroy");
    expect(await apply(app, cloud)).toMatchObject({ code: 0 });
    expect(gateway()).toMatchObject({ domain, domains: [{ fqdn: FQDN }] });
  });

  function gateway(): Gateway {
    const [only, ...others] = Object.values(readCloud(cloud).gateways);
    expect(others).toEqual([]);
    if (!only) throw new Error("there is no gateway");
    return only;
  }

  function certificateBecomes(status: Certificate["status"]): void {
    changeCloud(({ certificates }) => {
      for (const certificate of Object.values(certificates)) certificate.status = status;
    }, cloud);
  }

  function breakThe(faults: Faults): void {
    changeCloud((it) => {
      it.faults = faults;
    }, cloud);
  }

  /** A plan of a later second than the gateway's making: a faster one would still count as the same run. */
  async function planLater() {
    await nextSecond();
    return plan(app, cloud);
  }

  async function nextSecond(): Promise<void> {
    const state = JSON.parse(readFileSync(join(app, "terraform.tfstate"), "utf8")) as State;
    const made = state.resources.find(({ type }) => type === "terraform_data");
    const time = Date.parse(String(made?.instances[0]?.attributes.input.value));
    while (Date.now() < time + 1000) await new Promise((done) => setTimeout(done, 20));
  }

  async function attached(): Promise<unknown> {
    const { stdout } = await terraform(app, cloud, ["output", "-json", "attached"]);
    return JSON.parse(stdout);
  }
});

interface State {
  resources: { type: string; instances: { attributes: { input: { value: string } } }[] }[];
}

function defineCertificate(scope: TerraformStack): void {
  new YandexProvider(scope, "Provider");
  new DomainCertificate(scope, "Certificate", { name: "shop", fqdn: FQDN, dns: ZONE });
}

/** With the gateway's own templates and what Terraform would take for some of its own. */
const DOCUMENT: OpenApiDocument = {
  file: "api.json",
  content: {
    openapi: "3.0.3",
    paths: {
      "/static/{file+}": {
        get: {
          "x-yc-apigateway-integration": {
            type: "object_storage",
            bucket: "${var.bucket}",
            object: 'say "%{hi}"\n{file}',
          },
        },
      },
    },
  },
  refusals: [],
};

function defineApp(scope: TerraformStack): void {
  new YandexProvider(scope, "Provider");
  const gateway = new ApiGateway(scope, "Gateway", {
    name: "shop",
    account: new ServiceAccount(scope, "Account", { name: "shop-gateway" }),
    document: DOCUMENT,
  });
  gateway.addStaticFiles("/files", "shop-files");
  const { attached } = new GatewayDomain(scope, "Domain", {
    gateway,
    fqdn: FQDN,
    certificateName: "shop",
    dns: ZONE,
  });
  new TerraformOutput(scope, "attached", { value: attached });
}
