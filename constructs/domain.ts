import { domainToASCII } from "node:url";
import { CmCertificate } from "@cdktf/provider-yandex/lib/cm-certificate";
import { DataYandexCmCertificate } from "@cdktf/provider-yandex/lib/data-yandex-cm-certificate";
import { DnsRecordset } from "@cdktf/provider-yandex/lib/dns-recordset";
import { Fn, type IResolvable, Op, propertyAccess, Token } from "cdktf";
import { Construct } from "constructs";
import { checkName } from "./_name.ts";
import { isKnown, mismatches, type Refuse, refuseAtSynth } from "./_refusal.ts";
import type { ApiGateway } from "./api-gateway.ts";

/** A public zone of Cloud DNS. */
export interface DnsZone {
  readonly zoneId: string;
  /** The domain it holds, without a dot at the end, e.g. "example.com". */
  readonly zone: string;
}

/** A record for the domain's zone. */
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

/** Props that both halves of a domain share. */
export interface DomainProps {
  /** Host of the site, e.g. "shop.example.com": lower case, no scheme, no path, no dot at the end. */
  readonly fqdn: string;
  /**
   * The Cloud DNS zone that holds the domain, e.g. `{ zoneId: "dns…", zone: "example.com" }`, or
   * `external` where somebody else's DNS does.
   */
  readonly dns: "external" | DnsZone;
}

/**
 * Props of {@link DomainCertificate}.
 *
 * @see https://yandex.cloud/en/docs/certificate-manager/concepts/managed-certificate
 */
export interface DomainCertificateProps extends DomainProps {
  /**
   * Unique in the folder: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen
   * last.
   */
  readonly name: string;
}

/**
 * Props of {@link GatewayDomain}.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/operations/api-gw-domains
 */
export interface GatewayDomainProps extends DomainProps {
  readonly gateway: ApiGateway;
  /** Name of the certificate, which is in another stack or was created by hand. */
  readonly certificateName: string;
  /**
   * A map with `id`, `status` and `attached` ("true" or "false") that stands for looking the
   * certificate up, unless it is empty: the provider fails on one that is INVALID, and nothing else of
   * the stack could be applied beside it then.
   *
   * @default - always looked up
   */
  readonly known?: IResolvable;
}

const TTL_SECONDS = 600;

/**
 * A certificate of Let's Encrypt that renews itself as long as its challenge record stays.
 *
 * The record is created in Cloud DNS, or has to be created by hand elsewhere: `records` says how. Nothing
 * waits for the certificate to be issued; the service looks at the record about every 30 minutes,
 * and gives up after a week. It belongs in a stack of its own: while a renewal is pending or after
 * one has failed for good, no plan of the stack that holds the certificate works.
 *
 * @example
 * new DomainCertificate(stack, "Certificate", {
 *   name: "shop",
 *   fqdn: "shop.example.com",
 *   dns: { zoneId: "dns0123456789abcdefg", zone: "example.com" },
 * });
 */
export class DomainCertificate extends Construct {
  readonly certificateId: string;
  /** VALIDATING, ISSUED, RENEWING, RENEWAL_FAILED, INVALID or REVOKED. */
  readonly status: string;
  /** Proves that the domain is ours, for as long as it stands. */
  readonly challengeRecord: DnsRecord;
  /** What has to be created by hand: nothing with Cloud DNS. */
  readonly records: readonly DnsRecord[];

  constructor(scope: Construct, id: string, props: DomainCertificateProps) {
    super(scope, id);
    refuseAtSynth(this, (refuse) => checkDomainCertificate(props, refuse));
    const resource = new CmCertificate(this, "Resource", {
      name: props.name,
      domains: [props.fqdn],
      // By CNAME, because a TXT record would have to be renewed with every certificate.
      managed: { challengeType: "DNS_CNAME", challengeCount: 1 },
    });
    const { dnsName, dnsType, dnsValue } = resource.challenges.get(0);
    this.certificateId = resource.id;
    this.status = resource.status;
    this.challengeRecord = { name: dnsName, type: dnsType, value: dnsValue };
    this.records = defineRecord(this, "Challenge", props.dns, this.challengeRecord);
  }
}

/**
 * The site's own host name: the gateway answers to it, and it leads to the gateway.
 *
 * The certificate is only read here. While it is not issued the gateway stays without the name; the
 * first apply after that attaches it, and renewals, pending or failed, leave it attached. Never
 * attached by the apply that creates the gateway: see `ApiGateway.attachDomain`.
 *
 * @example
 * new GatewayDomain(stack, "Domain", {
 *   gateway,
 *   fqdn: "shop.example.com",
 *   certificateName: "shop",
 *   dns: { zoneId: "dns0123456789abcdefg", zone: "example.com" },
 * });
 */
export class GatewayDomain extends Construct {
  readonly fqdn: string;
  /** Whether this apply attaches the name, or leaves it attached. */
  readonly attached: IResolvable;
  /** Of the certificate: VALIDATING, ISSUED, RENEWING, RENEWAL_FAILED, INVALID or REVOKED. */
  readonly status: string;
  /** What has to be created by hand: nothing with Cloud DNS. */
  readonly records: readonly DnsRecord[];

  constructor(scope: Construct, id: string, props: GatewayDomainProps) {
    super(scope, id);
    refuseAtSynth(this, (refuse) => checkGatewayDomain(props, refuse));
    const { gateway, fqdn, dns } = props;
    const { id: certificateId, status, kept } = findCertificate(this, props);
    this.fqdn = fqdn;
    this.status = status;
    this.attached = gateway.attachDomain({
      fqdn,
      certificateId,
      when: kept === undefined ? isUsable(status) : Op.or(isUsable(status), kept),
    });
    this.records = defineRecord(this, "Record", dns, {
      name: `${fqdn}.`,
      // Nothing but an ANAME may stand at the top of a zone.
      type: dns !== "external" && dns.zone === fqdn ? "ANAME" : "CNAME",
      value: `${gateway.domain}.`,
    });
  }
}

function findCertificate(scope: Construct, { certificateName: name, known }: GatewayDomainProps) {
  // Without waiting: a wait would block every plan of a renewal for up to twenty minutes.
  const found = new DataYandexCmCertificate(scope, "Certificate", { name });
  if (known === undefined) return { id: found.id, status: found.status };
  const unknown = Op.eq(Fn.lookup(known, "id", NOWHERE), NOWHERE);
  found.addOverride("count", Fn.conditional(unknown, 1, 0));
  const pick = (attribute: string) =>
    Token.asString(
      Fn.conditional(
        unknown,
        propertyAccess(found.fqn, [0, attribute]),
        propertyAccess(known, [attribute]),
      ),
    );
  const kept = Op.eq(Fn.lookup(known, "attached", "false"), "true");
  return { id: pick("id"), status: pick("status"), kept };
}

function isUsable(status: string): IResolvable {
  return Fn.contains(USABLE_STATES, status);
}

const NOWHERE = "none";

const USABLE_STATES = ["ISSUED", "RENEWING", "RENEWAL_FAILED"];

/** What Yandex Cloud would reject about a certificate's domain. */
function checkDomainCertificate(props: DomainCertificateProps, refuse: Refuse): void {
  checkName(props.name, "certificate", refuse);
  checkDomain(props, refuse);
}

/** What Yandex Cloud would reject about a gateway's domain. */
function checkGatewayDomain(props: GatewayDomainProps, refuse: Refuse): void {
  checkName(props.certificateName, "certificate", refuse, "certificateName");
  checkDomain(props, refuse);
}

// Labels of RFC 1123, at least two, the last one not a number: an IP address is not a domain.
const HOST =
  /^(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

function checkDomain({ fqdn, dns }: DomainProps, refuse: Refuse): void {
  refuse(mismatches(fqdn, HOST), {
    field: "fqdn",
    value: fqdn,
    allowed: "one host of at most 253 lowercase characters in labels of at most 63",
    fix: suggestHost(fqdn),
  });
  if (dns === "external") {
    refuse(isKnown(fqdn) && fqdn.split(".").length === 2, {
      field: "fqdn",
      value: fqdn,
      allowed: "a name below the top of its zone: with dns 'external' it needs a CNAME",
      fix: `Use www.${fqdn}, or move the zone to Cloud DNS`,
    });
    return;
  }
  refuse(mismatches(dns.zone, HOST), {
    field: "dns.zone",
    value: dns.zone,
    allowed: "a domain in lower case, without a dot at the end",
    fix: suggestHost(dns.zone),
  });
  refuse(isKnown(fqdn) && isKnown(dns.zone) && !`.${fqdn}`.endsWith(`.${dns.zone}`), {
    field: "fqdn",
    value: fqdn,
    allowed: `${dns.zone} or a name below it`,
    fix: "Name the zone that holds the domain, or use dns 'external'",
  });
}

/** The host that was meant, when it can be told. */
function suggestHost(value: string): string {
  const [host = ""] = value.replace(/^[a-z]+:\/\//i, "").split(/[/?#:]/);
  const meant = domainToASCII(host.replace(/^\*\.|\.$/g, ""));
  return HOST.test(meant) ? `Write '${meant}'` : "Write it like 'shop.example.com'";
}

/** Creates a record in Cloud DNS. Returns what remains to be created by hand. */
function defineRecord(
  scope: Construct,
  id: string,
  dns: DomainProps["dns"],
  record: DnsRecord,
): DnsRecord[] {
  if (dns === "external") return [record];
  const { name, type, value } = record;
  new DnsRecordset(scope, id, {
    zoneId: dns.zoneId,
    name,
    type,
    ttl: TTL_SECONDS,
    data: [value],
  });
  return [];
}
