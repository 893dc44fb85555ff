import { describe, expect, test } from "vitest";
import {
  certificateStatus,
  domainAdvice,
  waitForCertificate,
} from "../../../scripts/lib/cloud/certificate.ts";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import { ACCESS, type Answer, fakeSystem } from "../_system.ts";

const GET =
  "GET https://certificate-manager.api.cloud.yandex.net/certificate-manager/v1/certificates/fpq";
const status = (text: string) => ({ body: { status: text } });
const CHALLENGE = {
  name: "_acme-challenge.shop.example.com.",
  type: "CNAME",
  value: "fpq.cm.yandexcloud.net.",
};
const CNAME = { name: "shop.example.com.", type: "CNAME", value: "d5d.apigw.yandexcloud.net." };

describe("waitForCertificate", () => {
  test.each(["ISSUED", "RENEWING", "RENEWAL_FAILED"])("ends with %s", async (last) => {
    const { system, wait, lines } = prepare(
      status("VALIDATING"),
      status("VALIDATING"),
      status(last),
    );
    const start = system.now();
    await wait();

    expect(system.now() - start).toBe(60_000);
    expect(lines).toEqual([
      "VALIDATING, waited 0 minutes; the service checks about every 30",
      "VALIDATING, waited 1 minutes; the service checks about every 30",
    ]);
  });

  test.each<[string, Answer, string]>([
    ["INVALID", status("INVALID"), "The certificate is INVALID."],
    ["REVOKED", status("REVOKED"), "The certificate is REVOKED."],
    ["no certificate", { status: 404 }, "The certificate is gone."],
    [
      "endless validation",
      status("VALIDATING"),
      "The certificate is still VALIDATING after 181 minutes.",
    ],
  ])("gives up on %s", async (_, answer, message) => {
    await expect(prepare(answer).wait()).rejects.toThrow(message);
  });
});

test("a status that nobody may see is an error", async () => {
  const system = fakeSystem({ routes: { [GET]: { status: 403, body: { message: "no" } } } });

  await expect(certificateStatus(new CloudApi(system, ACCESS), "fpq")).rejects.toThrow("403");
});

describe("domainAdvice", () => {
  const domain = {
    fqdn: "shop.example.com",
    attached: false,
    status: "VALIDATING",
    records: [CNAME],
  };
  const certificate = {
    certificate_id: "fpq",
    certificate_status: "VALIDATING",
    records: [CHALLENGE],
  };

  test("lists the records to be made by hand, and when to come back", () => {
    expect(domainAdvice(domain, certificate)).toEqual([
      "DNS records to create for shop.example.com at its DNS provider:",
      "  _acme-challenge.shop.example.com.  CNAME  fpq.cm.yandexcloud.net.",
      "  shop.example.com.  CNAME  d5d.apigw.yandexcloud.net.",
      "shop.example.com is not attached yet: its certificate is VALIDATING. Let's Encrypt takes about half an hour once the records exist. Run `npm run deploy` again then, or with --wait now.",
    ]);
  });

  test("asks for patience only where Cloud DNS has the records", () => {
    expect(domainAdvice({ ...domain, records: [] }, { ...certificate, records: [] })).toEqual([
      "shop.example.com is not attached yet: its certificate is VALIDATING. Let's Encrypt takes about half an hour. Run `npm run deploy` again then, or with --wait now.",
    ]);
  });

  test("says nothing once all is done, or without a domain", () => {
    expect(domainAdvice({ ...domain, attached: true, records: [] }, undefined)).toEqual([]);
    expect(domainAdvice(undefined, undefined)).toEqual([]);
  });
});

function prepare(...answers: Answer[]) {
  const system = fakeSystem({ routes: { [GET]: answers } });
  const lines: string[] = [];
  const api = new CloudApi(system, ACCESS);
  return {
    system,
    lines,
    wait: () => waitForCertificate(system, api, "fpq", (line) => void lines.push(line)),
  };
}
