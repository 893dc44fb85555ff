import { describe, expect, test } from "vitest";
import { CloudApi, serviceUrl } from "../../../scripts/lib/cloud/cloud-api.ts";
import { ACCESS, fakeSystem, type Routes } from "../_system.ts";

const URL = "https://some.api.cloud.yandex.net/v1/things";

describe("CloudApi", () => {
  test("tries again after a passing failure", async () => {
    const { api, system } = prepare({
      [`GET ${URL}`]: [{ status: 503 }, { status: 429 }, { body: { name: "x" } }],
    });

    expect(await api.get("some", "/v1/things")).toEqual({ name: "x" });
    expect(system.sent).toHaveLength(3);
  });

  test.each([
    [
      { status: 403, body: { code: 7, message: "Permission denied" } },
      "some answered 403: Permission denied",
    ],
    [{ status: 400, body: "<html>" }, "some answered 400: <html>"],
    [{ status: 400, body: "" }, "some answered 400: no explanation"],
    [
      { status: 401, body: {} },
      "some does not accept the token (401). It may have expired: IAM tokens live up to 12 hours.",
    ],
    [{ status: 503, body: { message: "later" } }, "some answered 503: later"],
  ])("passes on %j", async (answer, message) => {
    await expect(prepare({ [`GET ${URL}`]: answer }).api.get("some", "/v1/things")).rejects.toThrow(
      message,
    );
  });

  test("names the host that cannot be reached", async () => {
    await expect(prepare({}).api.get("some", "/v1/things")).rejects.toThrow(
      "some.api.cloud.yandex.net cannot be reached. Check the network.",
    );
  });

  test("does not send a change twice", async () => {
    const { api, system } = prepare({ [`POST ${URL}`]: { status: 503 } });

    await expect(api.operate("some", "/v1/things", "POST")).rejects.toThrow("some answered 503");
    expect(system.sent).toHaveLength(1);
  });

  test("passes on what an accepted operation failed of", async () => {
    const failed = { id: "op1", done: true, error: { code: 9, message: "Quota exceeded" } };
    const { api } = prepare({
      [`POST ${URL}`]: { body: { id: "op1" } },
      "GET https://operation.api.cloud.yandex.net/operations/op1": { body: failed },
    });

    await expect(api.operate("some", "/v1/things", "POST")).rejects.toThrow("some: Quota exceeded");
  });

  test("does not wait for an operation for ever", async () => {
    const { api } = prepare({
      [`POST ${URL}`]: { body: { id: "op1" } },
      "GET https://operation.api.cloud.yandex.net/operations/op1": { body: { id: "op1" } },
    });

    await expect(api.operate("some", "/v1/things", "POST")).rejects.toThrow(
      "some: operation op1 takes too long. Run it again.",
    );
  });
});

test("YC_API_URL replaces the public address", () => {
  expect(serviceUrl({ YC_API_URL: "http://localhost/{service}" }, "iam")).toBe(
    "http://localhost/iam",
  );
  expect(serviceUrl({}, "iam")).toBe("https://iam.api.cloud.yandex.net");
});

function prepare(routes: Routes) {
  const system = fakeSystem({ routes });
  return { system, api: new CloudApi(system, ACCESS) };
}
