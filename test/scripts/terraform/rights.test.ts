import { describe, expect, test } from "vitest";
import { rightsFirst } from "../../../scripts/lib/terraform/rights.ts";

const MEMBER = "yandex_resourcemanager_folder_iam_member";
const BINDING = "yandex_ydb_database_iam_binding";

const planned = (type: string, name: string, attributes: object = {}) => ({
  address: `${type}.${name}`,
  type,
  attributes: { ...attributes },
});
const held = (type: string, name: string) => planned(type, name);
const WAIT = planned("terraform_data", "Rights", {
  "//": { metadata: { path: "app/Rights/Resource" } },
});
const DATABASE = planned("yandex_ydb_database_serverless", "Results");

describe("rightsFirst", () => {
  test("names new rights and the wait for them where others are taken away", async () => {
    const wanted = [WAIT, DATABASE, planned(MEMBER, "Stays"), planned(BINDING, "New")];
    const state = [held(MEMBER, "Stays"), held(MEMBER, "Goes"), held("terraform_data", "Old")];

    expect(await rightsFirst(wanted, async () => state)).toEqual([
      "terraform_data.Rights",
      `${BINDING}.New`,
    ]);
  });

  test.each([
    ["only new ones", [WAIT, planned(BINDING, "New")], []],
    ["only fewer", [WAIT], [held(MEMBER, "Goes")]],
    ["the same", [WAIT, planned(MEMBER, "Stays")], [held(MEMBER, "Stays")]],
    [
      "one that is given at times",
      [WAIT, planned(MEMBER, "Stays"), planned(MEMBER, "AtTimes", { count: "${1}" })],
      [held(MEMBER, "Stays"), held(MEMBER, "AtTimes")],
    ],
  ])("is nothing for %s", async (_, wanted, state) => {
    expect(await rightsFirst(wanted, async () => state)).toEqual([]);
  });

  test("reads no state for a stack that gives no rights", async () => {
    const read = () => Promise.reject(new Error("read"));

    expect(await rightsFirst([WAIT, DATABASE], read)).toEqual([]);
  });
});
