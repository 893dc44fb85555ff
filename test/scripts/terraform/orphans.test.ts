import { describe, expect, test } from "vitest";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import { findOrphans } from "../../../scripts/lib/terraform/orphans.ts";
import type { DeployedApp } from "../../../scripts/lib/terraform/outputs.ts";
import type { StateResource } from "../../../scripts/lib/terraform/state.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { describeMaker, stateIdOf } from "../../../stacks/ownership.ts";
import { settings } from "../_settings.ts";
import { ACCESS, bodyOf, fakeSystem, type Routes } from "../_system.ts";

const SETTINGS = settings({ backend: { type: "s3", bucket: "states" } });
const STATE_ID = stateIdOf(SETTINGS);
const MADE_BY_US = describeMaker(STATE_ID);
const OUTPUTS = { containers: { web: { id: "bba" } } } as unknown as DeployedApp;
const STATE: StateResource[] = [
  resource("yandex_iam_service_account", { id: "aje1", name: "shop-runtime" }),
  resource("yandex_lockbox_secret", { id: "e6q1", name: "shop-key" }),
  resource("yandex_iam_service_account_static_access_key", {
    id: "key1",
    service_account_id: "aje1",
    output_to_lockbox_version_id: "v1",
  }),
];
const KEYS =
  "GET https://iam.api.cloud.yandex.net/iam/aws-compatibility/v1/accessKeys?serviceAccountId=aje1&pageSize=1000";
const VERSIONS =
  "GET https://lockbox.api.cloud.yandex.net/lockbox/v1/secrets/e6q1/versions?pageSize=1000";
const SECRETS =
  "GET https://lockbox.api.cloud.yandex.net/lockbox/v1/secrets?folderId=b1g&pageSize=1000";
const REVISIONS =
  "GET https://serverless-containers.api.cloud.yandex.net/containers/v1/revisions?containerId=bba&pageSize=1000";
const payload = (version: string) =>
  `GET https://payload.lockbox.api.cloud.yandex.net/lockbox/v1/secrets/e6q1/payload?versionId=${version}`;

const KNOWN_KEY = { id: "key1", keyId: "YCAJE1" };
const KNOWN_VERSION = { id: "v1", status: "ACTIVE" };
const QUIET: Routes = {
  [KEYS]: { body: { accessKeys: [KNOWN_KEY] } },
  [VERSIONS]: { body: { versions: [KNOWN_VERSION] } },
  [SECRETS]: { body: { secrets: [{ id: "e6q1", name: "shop-key", labels: { state: STATE_ID } }] } },
  [REVISIONS]: {
    body: { revisions: [{ status: "ACTIVE", secrets: [{ id: "e6q1", versionId: "v1" }] }] },
  },
  [payload("v1")]: { body: { entries: [{ textValue: "YCAJE1" }] } },
};

describe("findOrphans", () => {
  test("asks three lists where all is known, and no more", async () => {
    const { orphans, system } = await look({});

    expect(orphans).toEqual([]);
    expect(system.sent.map(({ request }) => request).sort()).toEqual(
      [KEYS, SECRETS, VERSIONS].sort(),
    );
  });

  test.each([
    ["a deploy of this state", MADE_BY_US, true],
    ["a deploy of another state", describeMaker("000000000000"), false],
    ["a person", "", false],
  ])("finds a live key made by %s", async (_, description, own) => {
    const { orphans } = await look({
      [KEYS]: { body: { accessKeys: [KNOWN_KEY, { id: "key2", keyId: "YCAJE2", description }] } },
    });

    expect(orphans).toMatchObject([
      {
        what: "key key2 of account shop-runtime",
        own,
        command: "yc iam access-key delete key2",
      },
    ]);
  });

  test("leaves a key alone that a container reads, whatever the state knows", async () => {
    const { orphans } = await look({
      [KEYS]: {
        body: { accessKeys: [{ id: "key2", keyId: "YCAJE1", description: MADE_BY_US }] },
      },
    });

    expect(orphans).toEqual([]);
  });

  test("finds the version that holds such a key, and removes both", async () => {
    const { orphans, system } = await look({
      [KEYS]: {
        body: {
          accessKeys: [KNOWN_KEY, { id: "key2", keyId: "YCAJE2", description: MADE_BY_US }],
        },
      },
      [VERSIONS]: { body: { versions: [KNOWN_VERSION, { id: "v2", status: "ACTIVE" }] } },
      [payload("v2")]: { body: { entries: [{ textValue: "YCAJE2" }] } },
      "DELETE https://iam.api.cloud.yandex.net/iam/aws-compatibility/v1/accessKeys/key2": {
        body: { done: true },
      },
      "POST https://lockbox.api.cloud.yandex.net/lockbox/v1/secrets/e6q1:scheduleVersionDestruction":
        { body: { done: true } },
    });

    expect(orphans.map(({ what, own }) => [what, own])).toEqual([
      ["key key2 of account shop-runtime", true],
      ["version v2 of secret shop-key", true],
    ]);
    for (const orphan of orphans) await orphan.remove();
    expect(bodyOf(system.sent.at(-1)?.init)).toEqual({ versionId: "v2" });
  });

  test("takes a version that a person has added for theirs, and one to be destroyed for gone", async () => {
    const { orphans } = await look({
      [VERSIONS]: {
        body: {
          versions: [
            KNOWN_VERSION,
            { id: "v2", status: "ACTIVE" },
            { id: "v3", status: "SCHEDULED_FOR_DESTRUCTION" },
          ],
        },
      },
    });

    expect(orphans.map(({ what, own }) => [what, own])).toEqual([
      ["version v2 of secret shop-key", false],
    ]);
  });

  test("finds a second secret of this state, and none of another's", async () => {
    const { orphans } = await look({
      [SECRETS]: {
        body: {
          secrets: [
            { id: "e6q2", name: "shop-key", labels: { state: STATE_ID } },
            { id: "e6q3", name: "shop-key", labels: { state: "000000000000" } },
            { id: "e6q4", name: "shop-key" },
          ],
        },
      },
    });

    expect(orphans.map(({ what, own }) => [what, own])).toEqual([["secret shop-key (e6q2)", true]]);
  });
});

async function look(routes: Routes) {
  const system = fakeSystem({ routes: { ...QUIET, ...routes } });
  const session = {
    system,
    settings: SETTINGS,
    access: ACCESS,
    api: new CloudApi(system, ACCESS),
    folderId: "b1g",
    terraform: new Terraform(system, { stage: undefined, env: {} }),
  };
  return { system, orphans: await findOrphans(session, OUTPUTS, STATE) };
}

function resource(type: string, attributes: Record<string, unknown>): StateResource {
  return { address: `${type}.x`, type, attributes };
}
