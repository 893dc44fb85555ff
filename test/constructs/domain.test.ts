import { type TerraformStack, Token } from "cdktf";
import { describe, expect, test } from "vitest";
import { ApiGateway } from "../../constructs/api-gateway.ts";
import {
  DomainCertificate,
  type DomainCertificateProps,
  GatewayDomain,
  type GatewayDomainProps,
} from "../../constructs/domain.ts";
import { ServerlessContainer } from "../../constructs/serverless-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import {
  addresses,
  type Body,
  dataSources,
  raw,
  refusals,
  resources,
  type SynthesizedStack,
  synthPlain,
} from "../support/synth.ts";

const ZONE = { zoneId: "dns0123456789abcdefg", zone: "example.com" };
const CHALLENGE = "yandex_cm_certificate.Certificate.challenges[0]";
const STATUS = "data.yandex_cm_certificate.Domain_Certificate.status";
const CONDITION = `(contains(["ISSUED", "RENEWING", "RENEWAL_FAILED"], ${STATUS}) && (terraform_data.Gateway_Creation.input != plantimestamp()))`;

describe("DomainCertificate", () => {
  test("creates a certificate and its challenge record in Cloud DNS", () => {
    const stack = synthPlain((scope) => {
      defineCertificate(scope);
    });

    expect(resources(stack, "yandex_cm_certificate")).toEqual([
      {
        name: "shop",
        domains: ["shop.example.com"],
        managed: { challenge_type: "DNS_CNAME", challenge_count: 1 },
      },
    ]);
    expect(resources(stack, "yandex_dns_recordset")).toEqual([
      {
        zone_id: ZONE.zoneId,
        name: `\${${CHALLENGE}.dns_name}`,
        type: `\${${CHALLENGE}.dns_type}`,
        ttl: 600,
        data: [`\${${CHALLENGE}.dns_value}`],
      },
    ]);
  });

  test("leaves the challenge record to be made by hand with DNS elsewhere", () => {
    let certificate: DomainCertificate | undefined;
    const stack = synthPlain((scope) => {
      certificate = defineCertificate(scope, { dns: "external" });
    });

    expect(resources(stack, "yandex_dns_recordset")).toEqual([]);
    expect(certificate?.records).toEqual([certificate?.challengeRecord]);
  });

  test("leaves nothing to be made by hand with Cloud DNS", () => {
    let certificate: DomainCertificate | undefined;
    synthPlain((scope) => {
      certificate = defineCertificate(scope);
    });

    expect(certificate?.records).toEqual([]);
  });

  test("is known by id, status and challenge record", () => {
    const stack = synthPlain((scope) => {
      const { certificateId, status, challengeRecord } = defineCertificate(scope);
      scope.addOverride("output.known.value", { certificateId, status, challengeRecord });
    });

    expect(stack.output?.known?.value).toEqual({
      certificateId: "${yandex_cm_certificate.Certificate.id}",
      status: "${yandex_cm_certificate.Certificate.status}",
      challengeRecord: {
        name: `\${${CHALLENGE}.dns_name}`,
        type: `\${${CHALLENGE}.dns_type}`,
        value: `\${${CHALLENGE}.dns_value}`,
      },
    });
  });

  test("rejects a name that no certificate can have", () => {
    expect(refusals((scope) => defineCertificate(scope, { name: "Shop" }))).toEqual([
      "[app/Certificate] 'name' is \"Shop\", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the certificate.",
    ]);
  });

  test("rejects a host that no certificate can have", () => {
    expect(refusals((scope) => defineCertificate(scope, { fqdn: "*.example.com" }))).toEqual([
      "[app/Certificate] 'fqdn' is \"*.example.com\", allowed: one host of at most 253 lowercase characters in labels of at most 63. Write 'example.com'.",
    ]);
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) => {
      raw(defineCertificate(scope)).addOverride("deletion_protection", true);
    });

    expect(resources(stack, "yandex_cm_certificate")[0]).toMatchObject({
      deletion_protection: true,
    });
  });
});

describe("GatewayDomain", () => {
  test("attaches the name once the certificate can be used, and leads it to the gateway", () => {
    const stack = synthPlain((scope) => {
      defineDomain(scope);
    });

    expect(dataSources(stack, "yandex_cm_certificate")).toEqual([{ name: "shop" }]);
    expect(gateway(stack).dynamic).toEqual({
      custom_domains: [
        {
          for_each: `\${${CONDITION} ? ["shop.example.com"] : []}`,
          content: {
            fqdn: "${custom_domains.value}",
            certificate_id: "${data.yandex_cm_certificate.Domain_Certificate.id}",
          },
        },
      ],
    });
    expect(resources(stack, "yandex_dns_recordset")).toEqual([
      {
        zone_id: ZONE.zoneId,
        name: "shop.example.com.",
        type: "CNAME",
        ttl: 600,
        data: ["${yandex_api_gateway.Gateway.domain}."],
      },
    ]);
  });

  test("notes the time of the gateway's making, after all that the gateway waits for", () => {
    const stack = synthPlain((scope) => {
      const { gateway } = defineDomain(scope);
      gateway.addContainer("/late", defineContainer(scope, "Late"));
    });

    const [creation] = resources(stack, "terraform_data");
    expect(creation).toEqual({
      input: "${plantimestamp()}",
      lifecycle: { ignore_changes: ["input"] },
      depends_on: addresses(stack, "yandex_serverless_container_iam_binding").reverse(),
    });
    expect(creation?.depends_on).toEqual(
      expect.arrayContaining(gateway(stack).depends_on as string[]),
    );
  });

  test("attaches several names, and notes the gateway's making once", () => {
    const stack = synthPlain((scope) => {
      const { gateway } = defineDomain(scope);
      new GatewayDomain(scope, "Second", {
        gateway,
        fqdn: "www.example.com",
        certificateName: "www",
        dns: ZONE,
      });
    });

    expect((gateway(stack).dynamic as Body).custom_domains).toHaveLength(2);
    expect(resources(stack, "terraform_data")).toHaveLength(1);
  });

  test("leads the top of a zone to the gateway by ANAME", () => {
    const stack = synthPlain((scope) => {
      defineDomain(scope, { fqdn: "example.com" });
    });

    expect(resources(stack, "yandex_dns_recordset")[0]).toMatchObject({
      name: "example.com.",
      type: "ANAME",
    });
  });

  test("leaves the record to be made by hand with DNS elsewhere", () => {
    const stack = synthPlain((scope) => {
      const { domain } = defineDomain(scope, { dns: "external" });
      const { fqdn, attached, status, records } = domain;
      scope.addOverride("output.known.value", { fqdn, attached, status, records });
    });

    expect(resources(stack, "yandex_dns_recordset")).toEqual([]);
    expect(stack.output?.known?.value).toEqual({
      fqdn: "shop.example.com",
      attached: `\${${CONDITION}}`,
      status: `\${${STATUS}}`,
      records: [
        {
          name: "shop.example.com.",
          type: "CNAME",
          value: "${yandex_api_gateway.Gateway.domain}.",
        },
      ],
    });
  });

  test("leaves nothing to be made by hand with Cloud DNS", () => {
    let records: unknown;
    synthPlain((scope) => {
      records = defineDomain(scope).domain.records;
    });

    expect(records).toEqual([]);
  });

  const HOST_RULE =
    "allowed: one host of at most 253 lowercase characters in labels of at most 63.";
  const long = (length: number) => `${"a.".repeat(200)}`.slice(0, length - 3).replace(/\.$/, "a");

  test.each<[string, Partial<GatewayDomainProps>, string]>([
    [
      "a certificate's name of two characters",
      { certificateName: "ab" },
      "'certificateName' is \"ab\", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the certificate.",
    ],
    [
      "capitals",
      { fqdn: "Shop.example.com", dns: "external" },
      `'fqdn' is "Shop.example.com", ${HOST_RULE} Write 'shop.example.com'.`,
    ],
    [
      "an address with scheme and path",
      { fqdn: "https://shop.example.com/", dns: "external" },
      `'fqdn' is "https://shop.example.com/", ${HOST_RULE} Write 'shop.example.com'.`,
    ],
    [
      "a port",
      { fqdn: "shop.example.com:8000", dns: "external" },
      `'fqdn' is "shop.example.com:8000", ${HOST_RULE} Write 'shop.example.com'.`,
    ],
    [
      "a dot at the end",
      { fqdn: "shop.example.com.", dns: "external" },
      `'fqdn' is "shop.example.com.", ${HOST_RULE} Write 'shop.example.com'.`,
    ],
    [
      "letters outside ASCII",
      { fqdn: "магазин.пример.рф", dns: "external" },
      `'fqdn' is "магазин.пример.рф", ${HOST_RULE} Write 'xn--80aairftm.xn--e1afmkfd.xn--p1ai'.`,
    ],
    [
      "an underscore",
      { fqdn: "my_shop.example.com", dns: "external" },
      `'fqdn' is "my_shop.example.com", ${HOST_RULE} Write it like 'shop.example.com'.`,
    ],
    [
      "a single label",
      { fqdn: "localhost", dns: "external" },
      `'fqdn' is "localhost", ${HOST_RULE} Write it like 'shop.example.com'.`,
    ],
    [
      "an address",
      { fqdn: "203.0.113.5", dns: "external" },
      `'fqdn' is "203.0.113.5", ${HOST_RULE} Write it like 'shop.example.com'.`,
    ],
    [
      "a label of 64 characters",
      { fqdn: `${"a".repeat(64)}.example.com`, dns: "external" },
      `'fqdn' is "${"a".repeat(64)}.example.com", ${HOST_RULE} Write it like 'shop.example.com'.`,
    ],
    [
      "254 characters",
      { fqdn: `${long(254)}.ru`, dns: "external" },
      `'fqdn' is "${long(254)}.ru", ${HOST_RULE} Write it like 'shop.example.com'.`,
    ],
    [
      "the top of a zone with DNS elsewhere",
      { fqdn: "example.com", dns: "external" },
      "'fqdn' is \"example.com\", allowed: a name below the top of its zone: with dns 'external' it needs a CNAME. Use www.example.com, or move the zone to Cloud DNS.",
    ],
    [
      "a zone with a dot at the end",
      { fqdn: "example.com.ru", dns: { ...ZONE, zone: "ru." } },
      "'dns.zone' is \"ru.\", allowed: a domain in lower case, without a dot at the end. Write it like 'shop.example.com'.",
    ],
    [
      "a host of another zone",
      { fqdn: "shop.myexample.com" },
      "'fqdn' is \"shop.myexample.com\", allowed: example.com or a name below it. Name the zone that holds the domain, or use dns 'external'.",
    ],
  ])("rejects %s", (_, props, message) => {
    expect(refusals((scope) => defineDomain(scope, props))).toContain(`[app/Domain] ${message}`);
  });

  test("accepts the longest host and label", () => {
    for (const fqdn of [
      `${long(253)}.ru`,
      `${"a".repeat(63)}.example.com`,
      "xn--e1afmkfd.xn--p1ai.ru",
    ]) {
      expect(refusals((scope) => defineDomain(scope, { fqdn, dns: "external" }))).toEqual([]);
    }
  });

  test("accepts what only the apply will know", () => {
    const unknown = Token.asString({ resolve: () => "Unknown Value" });

    const messages = refusals((scope) =>
      defineDomain(scope, {
        certificateName: unknown,
        fqdn: unknown,
        dns: { ...ZONE, zone: unknown },
      }),
    );

    expect(messages).toEqual([]);
  });
});

function defineCertificate(
  scope: TerraformStack,
  props: Partial<DomainCertificateProps> = {},
): DomainCertificate {
  return new DomainCertificate(scope, "Certificate", {
    name: "shop",
    fqdn: "shop.example.com",
    dns: ZONE,
    ...props,
  });
}

function defineDomain(scope: TerraformStack, props: Partial<GatewayDomainProps> = {}) {
  const account = new ServiceAccount(scope, "Account", { name: "shop-gateway" });
  const gateway = new ApiGateway(scope, "Gateway", { name: "shop", account });
  gateway.addContainer("/", defineContainer(scope, "Web"));
  const domain = new GatewayDomain(scope, "Domain", {
    gateway,
    fqdn: "shop.example.com",
    certificateName: "shop",
    dns: ZONE,
    ...props,
  });
  return { gateway, domain };
}

function defineContainer(scope: TerraformStack, id: string): ServerlessContainer {
  return new ServerlessContainer(scope, id, {
    name: `shop-${id.toLowerCase()}`,
    image: `cr.yandex/crp1/shop@sha256:${"a".repeat(64)}`,
    account: ServiceAccount.fromId(scope, `${id}Account`, { accountId: "aje1", folderId: "b1g1" }),
  });
}

function gateway(stack: SynthesizedStack): Body {
  return resources(stack, "yandex_api_gateway")[0] ?? {};
}
