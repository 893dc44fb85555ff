import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AwsClient } from "aws4fetch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Settings } from "../cloud/provider/behaviour.ts";
import { whyNotStarted } from "../cloud/provider/behaviours/container-revision.ts";
import { queue } from "../cloud/provider/behaviours/queue.ts";
import { mayEdit, mayInvoke, whyNotDelivered } from "../cloud/rights.ts";
import type { Cloud, Grant } from "../cloud/state.ts";
import { CLOUD_ID, describeTerraform, FOLDER_ID } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";
import { ROOT } from "../support/sources.ts";

const SETTINGS: Settings = { folderId: FOLDER_ID, cloudId: CLOUD_ID };

/** A row of the table in docs/security.md. */
interface Row {
  /** The end of the account's name. */
  readonly account: string;
  readonly role: string;
  readonly on: string;
}

/** What a right is needed for: says why it does not work, or nothing. */
type Need = (project: Project, right: Grant) => Promise<string | undefined> | string | undefined;

const ROWS = readTable();

const NEEDS: Readonly<Record<string, Need>> = {
  "runtime container-registry.images.puller": startRevision,
  "runtime lockbox.payloadViewer": startRevision,
  "runtime ymq.writer": sendTask,
  "runtime ydb.editor": storeResult,
  "runtime storage.editor": fillBucket,
  "manage container-registry.images.puller": startRevision,
  "manage lockbox.payloadViewer": startRevision,
  "gateway serverless-containers.containerInvoker": (project) => visit(project, "/"),
  "gateway storage.viewer": (project) => visit(project, "/static/site.css"),
  "trigger serverless-containers.containerInvoker": deliver,
  "reader ymq.reader": deliver,
  "queues ymq.admin": findQueue,
};

describeTerraform("who may do what", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject(`staticBucket: "shop-static",`);
    project.change((cloud) => {
      cloud.buckets = ["shop-static"];
      cloud.objects["shop-static/site.css"] = "body {}";
    });
    expect(await project.npm("deploy")).toMatchObject({ code: 0 });
  });
  afterAll(() => project.close());

  test("is what docs/security.md says, no more and no less", () => {
    const cloud = project.cloud();
    const given = cloud.grants
      // Whoever deploys may run commands: no account of the stack.
      .filter(({ member }) => member.startsWith("serviceAccount:"))
      .map((grant) => describeGrant(cloud, grant));

    expect([...new Set(given)].sort()).toEqual(ROWS.map(describeRow).sort());
  });

  test("is honoured by the end of the deploy", async () => {
    for (const row of ROWS) {
      for (const right of rightsOf(project.cloud(), row)) {
        expect(await need(row)(project, right), describeRow(row)).toBeUndefined();
      }
    }
  });

  test.each(ROWS)("$account without $role on $on: something does not work", async (row) => {
    const rights = rightsOf(project.cloud(), row);
    expect(rights).not.toEqual([]);
    for (const right of rights) {
      const before = project.cloud();
      project.change((cloud) => {
        cloud.grants = cloud.grants.filter((it) => JSON.stringify(it) !== JSON.stringify(right));
      });

      const problem = await need(row)(project, right);
      project.change((cloud) => Object.assign(cloud, before));

      expect(problem).toMatch(/403|denied|cannot|gone/i);
    }
  });

  test("lets the gateway's account call the site and not the worker, the trigger's the other way", () => {
    const cloud = project.cloud();
    const id = (things: Record<string, { name: string }>, name: string) =>
      String(Object.keys(things).find((key) => things[key]?.name === name));
    const [web, worker] = ["shop-web", "shop-worker"].map((name) => id(cloud.containers, name));
    const [gateway, trigger] = ["shop-gateway", "shop-trigger"].map((it) => id(cloud.accounts, it));
    const may = (account = "", container = "") => mayInvoke(cloud, account, container);

    expect([may(gateway, web), may(gateway, worker)]).toEqual([true, false]);
    expect([may(trigger, web), may(trigger, worker)]).toEqual([false, true]);
  });

  test("keeps the worker out of reach for a route that a user writes to it", async () => {
    project.change((cloud) => {
      const worker = Object.keys(cloud.containers).find(
        (id) => cloud.containers[id]?.name === "shop-worker",
      );
      for (const gateway of Object.values(cloud.gateways)) {
        const spec = JSON.parse(gateway.spec);
        const root = spec.paths["/"]["x-yc-apigateway-any-method"]["x-yc-apigateway-integration"];
        gateway.spec = JSON.stringify({
          ...spec,
          paths: {
            "/stolen": {
              get: { "x-yc-apigateway-integration": { ...root, container_id: worker } },
            },
          },
        });
      }
    });

    expect(await visit(project, "/stolen")).toBe("403");
  });
});

describe("the table in docs/security.md", () => {
  test("has a need for each of its rows", () => {
    expect(ROWS.length).toBeGreaterThan(5);
    expect(Object.keys(NEEDS).sort()).toEqual(
      ROWS.map(({ account, role }) => `${account} ${role}`).sort(),
    );
  });
});

function readTable(): Row[] {
  const page = readFileSync(join(ROOT, "docs", "security.md"), "utf8");
  const [, table = ""] = /\| account \| role \| on \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(page) ?? [];
  let account = "";
  return table
    .trim()
    .split("\n")
    .map((line) => {
      const [, owner = "", role = "", on = ""] = line.split("|").map((cell) => cell.trim());
      account = /…-(\w+)/.exec(owner)?.[1] ?? account;
      return { account, role: /`([^`]+)`/.exec(role)?.[1] ?? "", on };
    });
}

function describeRow({ account, role, on }: Row): string {
  const kinds = {
    registry: /registry/,
    secret: /secret/,
    database: /database/,
    folder: /^folder/,
    bucket: /its bucket/,
  };
  const named = Object.entries(kinds).find(([, pattern]) => pattern.test(on))?.[0];
  const container = /the (site|worker)s?'s? container/.exec(on)?.[1];
  return `${account}: ${role} on ${named ?? { site: "web", worker: "worker" }[String(container)]}`;
}

function describeGrant({ accounts, containers }: Cloud, { member, role, target }: Grant): string {
  const account = accounts[member.replace("serviceAccount:", "")]?.name.replace("shop-", "");
  const [kind = "", id = ""] = target.split(":");
  const on = kind === "container" ? containers[id]?.name.replace("shop-", "") : kind;
  return `${account}: ${role} on ${on}`;
}

function rightsOf(cloud: Cloud, row: Row): Grant[] {
  return cloud.grants.filter((grant) => describeGrant(cloud, grant) === describeRow(row));
}

function need({ account, role }: Row): Need {
  const found = NEEDS[`${account} ${role}`];
  if (!found) throw new Error(`nothing is known to need ${role} of ${account}`);
  return found;
}

function startRevision({ cloud }: Project): string | undefined {
  const now = cloud();
  const reasons = Object.values(now.containers).map(({ folderId, revisions }) => {
    const inputs = revisions.at(-1)?.inputs as Record<string, unknown>;
    return whyNotStarted({ cloud: now, settings: SETTINGS, type: "" }, folderId, inputs);
  });
  return reasons.find((reason) => reason !== undefined);
}

function fillBucket({ cloud }: Project): string | undefined {
  const now = cloud();
  const runtime = Object.keys(now.accounts).find((it) => now.accounts[it]?.name === "shop-runtime");
  return mayEdit(now, runtime, "shop-static") ? undefined : "403: the bucket cannot be written to";
}

/** As the containers do it: by the key in their secret. */
function client({ cloud }: Project, service: string): AwsClient {
  const secret = Object.values(cloud().secrets).find(({ name }) => name === "shop-key");
  const { access_key: accessKeyId = "", secret_key: secretAccessKey = "" } =
    Object.values(secret?.versions ?? {}).at(-1)?.entries ?? {};
  return new AwsClient({
    accessKeyId,
    secretAccessKey,
    service,
    region: "ru-central1",
    retries: 0,
  });
}

async function sendTask(project: Project): Promise<string | undefined> {
  const [url = ""] = Object.keys(project.cloud().queues).filter((it) => it.endsWith("shop-tasks"));
  const body = new URLSearchParams({ Action: "SendMessage", QueueUrl: url, MessageBody: "task" });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await client(project, "sqs").fetch(url, {
    method: "POST",
    body: `${body}`,
    headers,
  });
  return answer.ok ? undefined : await answer.text();
}

async function storeResult(project: Project): Promise<string | undefined> {
  const [database] = Object.values(project.cloud().databases);
  const call = (action: string, input: object) =>
    client(project, "dynamodb").fetch(String(database?.endpoint), {
      method: "POST",
      body: JSON.stringify({ TableName: "celery", ...input }),
      headers: { "x-amz-target": `DynamoDB_20120810.${action}` },
    });
  const id = { S: "celery-task-meta-1" };
  const written = await call("PutItem", { Item: { id, result: { B: "e30=" } } });
  const read = await call("GetItem", { Key: { id } });
  return written.ok && read.ok ? undefined : await read.text();
}

async function visit(project: Project, path: string): Promise<string | undefined> {
  const [gateway] = Object.values(project.cloud().gateways);
  const site = project.env.YC_GATEWAY_URL?.replace("{domain}", String(gateway?.domain));
  const { status } = await fetch(`${site}${path.slice(1)}`);
  return status === 200 ? undefined : String(status);
}

function deliver({ cloud }: Project): string | undefined {
  const now = cloud();
  const [reason] = Object.values(now.triggers).map((trigger) => whyNotDelivered(now, trigger));
  return reason;
}

function findQueue({ cloud }: Project): string | undefined {
  const now = cloud();
  const [id] = Object.keys(now.queues);
  const owner = Object.keys(now.accounts).find((it) => now.accounts[it]?.name === "shop-queues");
  const [access_key, key] =
    Object.entries(now.keys).find(([, { accountId }]) => accountId === owner) ?? [];
  const state = { id, access_key, secret_key: key?.secret };
  return queue.read({ cloud: now, settings: SETTINGS, type: "" }, state) ? undefined : "gone";
}
