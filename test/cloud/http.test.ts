import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AwsClient } from "aws4fetch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CloudHttp, startCloudHttp } from "./http.ts";
import { type Cloud, changeCloud, readCloud } from "./state.ts";
import { iamToken } from "./views.ts";

const QUEUE = "yrn:yc:ymq:ru-central1:b1gfolder:tasks";
const RULE = {
  messageQueue: {
    queueId: QUEUE,
    serviceAccountId: "ajereader",
    batchSettings: { size: "1", cutoff: "1s" },
    invokeContainer: { containerId: "bbaworker", path: "/run", serviceAccountId: "ajeinvoker" },
  },
};

let dir: string;
let http: CloudHttp;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "http-"));
  http = await startCloudHttp({ cloudDir: dir, accessKeys: { YCAJpipeline: "pipeline-secret" } });
  changeCloud(seed, dir);
});

afterEach(async () => {
  await http.close();
  rmSync(dir, { recursive: true });
});

describe("triggers by REST", () => {
  test("are made, found by name, changed by mask, paused and deleted", async () => {
    const made = await rest("POST", "serverless-triggers/triggers/v1/triggers", create());
    expect(made.body).toMatchObject({ done: false, metadata: { triggerId: expect.any(String) } });
    const operation = await rest("GET", `operation/operations/${made.body.id}`);
    expect(operation.body).toMatchObject({ done: true, response: { name: "worker" } });

    const path = `serverless-triggers/triggers/v1/triggers/${made.body.metadata.triggerId}`;
    const rule = structuredClone(RULE);
    rule.messageQueue.batchSettings.size = "5";
    await rest("PATCH", path, { updateMask: "rule", rule });
    await rest("POST", `${path}:pause`);
    expect((await list('name="worker"')).body).toEqual({
      triggers: [
        expect.objectContaining({ name: "worker", folderId: "b1gfolder", status: "PAUSED", rule }),
      ],
    });
    expect((await list('name="other"')).body).toEqual({});

    await rest("POST", `${path}:resume`);
    expect((await rest("GET", path)).body.status).toBe("ACTIVE");
    await rest("DELETE", path);
    expect((await rest("GET", path)).status).toBe(404);
  });

  test("lose what an update without a mask leaves out", async () => {
    const made = await rest("POST", "serverless-triggers/triggers/v1/triggers", {
      ...create(),
      description: "mine",
    });
    const path = `serverless-triggers/triggers/v1/triggers/${made.body.metadata.triggerId}`;

    await rest("PATCH", path, { name: "worker", rule: RULE });
    expect((await rest("GET", path)).body.description).toBeUndefined();
  });

  test("come in pages", async () => {
    for (const name of ["one", "two", "three"]) {
      const timer = {
        cronExpression: "0 3 * * ? *",
        invokeContainerWithRetry: { containerId: "bbaworker", serviceAccountId: "ajeinvoker" },
      };
      await rest("POST", "serverless-triggers/triggers/v1/triggers", {
        ...create(),
        name,
        rule: { timer },
      });
    }
    const path = "serverless-triggers/triggers/v1/triggers?folderId=b1gfolder&pageSize=2";
    const first = await rest("GET", path);
    const second = await rest("GET", `${path}&pageToken=${first.body.nextPageToken}`);
    expect([first, second].map(({ body }) => body.triggers.length)).toEqual([2, 1]);
  });

  test.each<[string, object, number, number, string]>([
    ["no folder", { folderId: undefined }, 400, 3, "folderId: Field is required"],
    ["an unknown field", { colour: "red" }, 400, 3, "Unknown field 'colour'"],
    ["no rule", { rule: undefined }, 400, 3, "rule: Field is required"],
    ["a taken name", { name: "taken" }, 409, 6, "Trigger with name taken already exists"],
  ])("are refused with %s", async (_, change, status, code, message) => {
    changeCloud((cloud) => {
      cloud.triggers.a1s = {
        id: "a1s",
        folder_id: "b1gfolder",
        name: "taken",
        rule: {},
        status: "ACTIVE",
      };
    }, dir);

    const answer = await rest("POST", "serverless-triggers/triggers/v1/triggers", {
      ...create(),
      ...change,
    });
    expect(answer).toEqual({ status, body: { code, message, details: [] } });
  });

  test.each([
    ["no token", undefined, "Authorization header is missing"],
    ["an OAuth token", "Bearer y0_x", "The token is invalid"],
  ])("are refused with %s", async (_, authorization, message) => {
    const headers: Record<string, string> = authorization ? { authorization } : {};
    const response = await fetch(`${http.url}/serverless-triggers/triggers/v1/triggers`, {
      headers,
    });
    expect([response.status, await response.json()]).toEqual([
      401,
      { code: 16, message, details: [] },
    ]);
  });

  test("may be accepted and fail later", async () => {
    changeCloud((cloud) => Object.assign(cloud.faults, { operations: true }), dir);

    const made = await rest("POST", "serverless-triggers/triggers/v1/triggers", create());
    expect(made).toMatchObject({ status: 200, body: { done: false } });
    const operation = await rest("GET", `operation/operations/${made.body.id}`);
    expect(operation.body.error).toEqual({ code: 13, message: "Internal error" });
    expect(readCloud(dir).triggers).toEqual({});
  });
});

describe("the other REST services", () => {
  test("show containers, revisions, gateways, images, payloads, folders and certificates", async () => {
    const get = async (path: string) => (await rest("GET", path)).body;
    expect(await get("serverless-containers/containers/v1/containers/bbaworker")).toMatchObject({
      name: "worker",
      folderId: "b1gfolder",
    });
    const revisions = "serverless-containers/containers/v1/revisions?containerId=bbaworker";
    expect(await get(`${revisions}&filter=${encodeURIComponent('status="ACTIVE"')}`)).toEqual({
      revisions: [
        expect.objectContaining({
          id: "bbarev2",
          image: {
            imageUrl: "cr.yandex/crpone/app",
            imageDigest: "sha256:2",
            environment: { REVISION_FINGERPRINT: "abc" },
          },
        }),
      ],
    });
    expect(await get("serverless-apigateway/apigateways/v1/apigateways/d5dgate")).toMatchObject({
      domain: "d5dgate.apigw.yandexcloud.net",
    });
    const images = "container-registry/container-registry/v1/images";
    expect((await get(`${images}?repositoryName=crpone/app`)).images).toHaveLength(1);
    await rest("DELETE", `${images}/crpimage`);
    expect(await get(`${images}?registryId=crpone`)).toEqual({});
    expect(await get("payload.lockbox/lockbox/v1/secrets/e6qsecret/payload")).toEqual({
      versionId: "e6qv",
      entries: [{ key: "password", textValue: "hunter2" }],
    });
    expect(await get("resource-manager/resource-manager/v1/folders/b1gfolder")).toMatchObject({
      cloudId: "b1gcloud",
    });
    expect(await get("certificate-manager/certificate-manager/v1/certificates/fpq")).toMatchObject({
      status: "ISSUED",
    });
  });

  test("do not delete a repository that holds images", async () => {
    const path = "container-registry/container-registry/v1/repositories/crprepo";
    expect((await rest("DELETE", path)).body).toMatchObject({ code: 9 });

    changeCloud((cloud) => cloud.images.pop(), dir);
    expect((await rest("DELETE", path)).status).toBe(200);
    expect(readCloud(dir).repositories).toEqual({});
  });

  test("answer 503 when a test says so", async () => {
    changeCloud((cloud) => Object.assign(cloud.faults, { unavailable: ["resource-manager"] }), dir);

    expect((await rest("GET", "resource-manager/resource-manager/v1/folders/x")).status).toBe(503);
  });

  test("are written down without the token", async () => {
    await rest("GET", "resource-manager/resource-manager/v1/folders/x");

    expect(readCloud(dir).log).toEqual([
      "http GET /resource-manager/resource-manager/v1/folders/x authorization=Bearer",
    ]);
  });
});

describe("the Document API", () => {
  test("makes a table that becomes active, and its time to live", async () => {
    expect(await document("DescribeTable", { TableName: "celery" })).toMatchObject({
      status: 400,
      body: { __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" },
    });
    await document("CreateTable", table());
    const statuses = [];
    for (let i = 0; i < 2; i += 1) {
      const { body } = await document("DescribeTable", { TableName: "celery" });
      statuses.push(body.Table.TableStatus);
    }
    expect(statuses).toEqual(["CREATING", "ACTIVE"]);

    expect((await document("UpdateTimeToLive", timeToLive())).status).toBe(200);
    expect((await document("UpdateTimeToLive", timeToLive())).body.__type).toContain(
      "ValidationException",
    );
    const seen = [];
    for (let i = 0; i < 2; i += 1) {
      seen.push(
        (await document("DescribeTimeToLive", { TableName: "celery" })).body.TimeToLiveDescription,
      );
    }
    expect(seen).toEqual([
      { TimeToLiveStatus: "ENABLING", AttributeName: "ttl" },
      { TimeToLiveStatus: "ENABLED", AttributeName: "ttl" },
    ]);
    expect((await document("ListTables", {})).body).toEqual({ TableNames: ["celery"] });
    expect(readCloud(dir).tables["etn1/celery"]).toMatchObject({ request: table() });
  });

  test.each<[string, string, object, string]>([
    ["a table that is there", "CreateTable", table(), "ResourceInUseException"],
    ["a short name", "CreateTable", { ...table(), TableName: "x" }, "ValidationException"],
    [
      "a key without a type",
      "CreateTable",
      { ...table(), TableName: "other", AttributeDefinitions: [] },
      "ValidationException",
    ],
    [
      "a time to live while the table is made",
      "UpdateTimeToLive",
      timeToLive(),
      "ResourceInUseException",
    ],
    ["an unknown operation", "Dance", {}, "UnknownOperationException"],
  ])("refuses %s", async (_, action, input, type) => {
    await document("CreateTable", table());

    const answer = await document(action, input);
    expect(answer.status).toBe(400);
    expect(answer.body.__type).toBe(`com.amazonaws.dynamodb.v20120810#${type}`);
  });

  test("takes a signature of a key whose account may use databases", async () => {
    const key = { accessKeyId: "YCAJmade", secretAccessKey: "made-secret" };
    expect((await signedDocument(key)).__type).toContain("AccessDeniedException");

    grant("ydb.editor");
    expect(await signedDocument(key)).toEqual({ TableNames: [] });
    expect((await signedDocument({ ...key, secretAccessKey: "x" })).__type).toContain(
      "InvalidSignature",
    );
    expect((await signedDocument({ ...key, accessKeyId: "x" })).__type).toContain(
      "UnrecognizedClient",
    );
    const response = await fetch(documentUrl(), { method: "POST" });
    expect(await response.text()).toContain("MissingAuthenticationTokenException");
  });
});

describe("the message queue", () => {
  test("tells attributes, sends, receives and purges", async () => {
    grant("ymq.writer");
    expect(await queue({ Action: "SendMessage", MessageBody: "a < b" })).toContain("<MessageId>");
    expect(await queue({ Action: "ReceiveMessage" })).toContain("AccessDeniedException");
    grant("ymq.reader");
    expect(await queue({ Action: "ReceiveMessage" })).toContain("<Body>a &lt; b</Body>");
    expect(
      await queue({
        Action: "GetQueueAttributes",
        "AttributeName.1": "ApproximateNumberOfMessagesNotVisible",
        "AttributeName.2": "VisibilityTimeout",
      }),
    ).toContain(
      "<Attribute><Name>ApproximateNumberOfMessagesNotVisible</Name><Value>1</Value></Attribute>" +
        "<Attribute><Name>VisibilityTimeout</Name><Value>600</Value></Attribute>",
    );
    await queue({ Action: "PurgeQueue" });
    expect(http.messages.queues.peek("tasks")).toEqual([]);
    expect(await queue({ Action: "PurgeQueue" })).toContain("<Code>PurgeQueueInProgress</Code>");
    http.messages.pass(60);
    expect(await queue({ Action: "PurgeQueue" })).toContain("<PurgeQueueResponse");
  });

  test("hides what is received until its time is over, counts it, and takes the last handle", async () => {
    grant("ymq.admin");
    await queue({ Action: "SendMessage", MessageBody: "a" });
    const receive = () => queue({ Action: "ReceiveMessage", WaitTimeSeconds: "1" });
    const first = await receive();
    const none = await receive();
    http.messages.pass(600);
    const second = await receive();

    expect(first).toContain("<Name>ApproximateReceiveCount</Name><Value>1</Value>");
    expect(none).not.toContain("<Message>");
    expect(second).toContain("<Name>ApproximateReceiveCount</Name><Value>2</Value>");
    const handle = (xml: string) => /<ReceiptHandle>(.*?)</.exec(xml)?.[1] ?? "";
    expect(handle(second)).not.toBe(handle(first));
    await queue({ Action: "DeleteMessage", ReceiptHandle: handle(second) });
    expect(http.messages.queues.peek("tasks")).toEqual([]);
  });

  test("may answer with fewer messages than there are, and without a wait with none", async () => {
    grant("ymq.admin");
    for (let count = 0; count < 10; count += 1) {
      await queue({ Action: "SendMessage", MessageBody: "a" });
    }
    const receive = async (wait: string) => {
      const form = { Action: "ReceiveMessage", MaxNumberOfMessages: "10", WaitTimeSeconds: wait };
      return (await queue(form)).split("<Message>").length - 1;
    };

    expect([await receive("1"), await receive("0"), await receive("0")]).toEqual([7, 3, 0]);
  });

  test("can be cut off or answered otherwise, before and after it has acted", async () => {
    grant("ymq.admin");
    const during = async (phase: string, instead: "cut" | { status: number; body: string }) => {
      http.interfere = (_, at) => (at === phase ? instead : undefined);
      const answer = await queue({ Action: "SendMessage", MessageBody: phase }).catch(String);
      http.interfere = () => undefined;
      return answer;
    };

    expect(await during("before", { status: 500, body: "no" })).toBe("no");
    expect(await during("after", "cut")).toContain("fetch failed");
    expect(http.messages.queues.peek("tasks").map(({ body }) => body)).toEqual(["after"]);
  });

  test.each<[string, Record<string, string>, Partial<Key>, string]>([
    [
      "a queue that is not there",
      { Action: "PurgeQueue", QueueUrl: "http://x/y" },
      {},
      "NonExistentQueue",
    ],
    ["an unknown action", { Action: "Dance" }, {}, "InvalidAction"],
    ["an unknown key", { Action: "PurgeQueue" }, { accessKeyId: "x" }, "InvalidClientTokenId"],
    ["a wrong secret", { Action: "PurgeQueue" }, { secretAccessKey: "x" }, "SignatureDoesNotMatch"],
    ["another region", { Action: "PurgeQueue" }, { region: "us-east-1" }, "SignatureDoesNotMatch"],
    ["another service", { Action: "PurgeQueue" }, { service: "s3" }, "SignatureDoesNotMatch"],
  ])("refuses %s", async (_, form, key, code) => {
    grant("ymq.admin");
    expect(await queue(form, key)).toContain(`${code}</Code>`);
  });

  test("refuses an account without a role", async () => {
    expect(await queue({ Action: "PurgeQueue" })).toContain("<Code>AccessDeniedException</Code>");
  });
});

describe("object storage", () => {
  test("writes once when told so, unless conditions are ignored", async () => {
    const once = { "if-none-match": "*" };
    expect((await s3("PUT", "state/a b.json", "1", once)).status).toBe(200);
    const second = await s3("PUT", "state/a b.json", "2", once);
    expect(second.status).toBe(412);
    expect(await second.text()).toContain("<Code>PreconditionFailed</Code>");
    expect(await (await s3("GET", "state/a b.json")).text()).toBe("1");

    changeCloud((cloud) => Object.assign(cloud.faults, { noConditionalWrites: true }), dir);
    expect((await s3("PUT", "state/a b.json", "2", once)).status).toBe(200);
    expect(readCloud(dir).objects["state/a b.json"]).toBe("2");
    expect(await (await s3("GET", "state?list-type=2&prefix=a")).text()).toContain(
      "<Key>a b.json</Key>",
    );
    expect((await s3("DELETE", "state/a b.json")).status).toBe(204);
    expect((await s3("GET", "state/a b.json")).status).toBe(404);
    expect(await (await s3("GET", "missing/x")).text()).toContain("NoSuchBucket");
    expect((await fetch(`${http.url}/storage/state/x`)).status).toBe(403);
  });

  test("keeps the state of a real terraform, under a lock", async () => {
    writeFileSync(join(dir, "main.tf.json"), JSON.stringify(backend()));
    const env = {
      PATH: process.env.PATH,
      HOME: dir,
      AWS_ACCESS_KEY_ID: "YCAJpipeline",
      AWS_SECRET_ACCESS_KEY: "pipeline-secret",
      AWS_EC2_METADATA_DISABLED: "true",
    };
    const terraform = (...argv: string[]) => run("terraform", [...argv, "-no-color"], env);

    expect(await terraform("init")).toMatchObject({ error: null });
    expect(await terraform("apply", "-auto-approve")).toMatchObject({ error: null });
    const { "state/app.tfstate": state = "", ...others } = readCloud(dir).objects;
    expect(JSON.parse(state).outputs.answer.value).toBe("42");
    expect(Object.keys(others)).toEqual(["files/site.css"]);

    changeCloud(({ objects }) => {
      objects["state/app.tfstate.tflock"] = JSON.stringify({ ID: "held", Who: "someone" });
    }, dir);
    const { stderr } = await terraform("plan");
    expect(stderr).toContain("Error acquiring the state lock");
  });
});

describe("the gateway", () => {
  test("is found by the template that the environment names", async () => {
    const url = http.env.YC_GATEWAY_URL.replace("{domain}", "shop.example.org");
    expect((await fetch(`${url}/`)).status).toBe(200);
  });

  test.each<[string, number, string]>([
    ["/d5dgate.apigw.yandexcloud.net/", 200, "Container web, revision bbarev9\n"],
    ["/d5dgate/deep/path?x=1", 200, "Container web, revision bbarev9\n"],
    ["/shop.example.org/static/site.css", 200, "body {}"],
    ["/d5dgate/worker/", 404, "nothing here"],
    ["/d5dgate/worker", 404, "nothing here"],
    ["/nobody.example.org/", 404, '{"message":"No gateway answers for nobody.example.org"}'],
  ])("answers %s by its text", async (path, status, body) => {
    const response = await fetch(`${http.url}/gateway${path}`);
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  test("heeds a slash at the end where its text says so", async () => {
    changeCloud(({ gateways: { d5dgate } }) => {
      const spec = { ...JSON.parse(String(d5dgate?.spec)) };
      spec["x-yc-apigateway"] = { ignoreTrailingSlashes: false };
      if (d5dgate) d5dgate.spec = JSON.stringify(spec);
    }, dir);

    expect((await fetch(`${http.url}/gateway/d5dgate/worker`)).status).toBe(200);
    expect((await fetch(`${http.url}/gateway/d5dgate/worker/`)).status).toBe(404);
  });

  test.each([
    ["serverless-containers/containers/v1/containers/bbaweb", "container:bbaweb"],
    ["lockbox/lockbox/v1/secrets/e6qsecret", "secret:e6qsecret"],
  ])("takes the rights on what is deleted along: %s", async (path, target) => {
    changeCloud((cloud) => {
      const grant = { role: "viewer", member: "serviceAccount:ajeinvoker", effectiveAt: 0 };
      cloud.grants.push({ ...grant, target }, { ...grant, target: "folder:b1g" });
    }, dir);

    await rest("DELETE", path);

    const targets = readCloud(dir).grants.map((grant) => grant.target);
    expect(targets).not.toContain(target);
    expect(targets).toContain("folder:b1g");
  });

  test("may not invoke without the role", async () => {
    changeCloud((cloud) => {
      cloud.grants = [];
    }, dir);

    expect((await fetch(`${http.url}/gateway/d5dgate/`)).status).toBe(403);
  });
});

describe("the token exchange", () => {
  test("turns a pipeline's token into one that REST takes", async () => {
    const offered = await fetch(`${http.url}/pipeline-token?audience=https://github.com/me`, {
      headers: { authorization: "Bearer runtime" },
    });
    const { value } = (await offered.json()) as { value: string };
    const answer = await exchange({ subject_token: value });
    expect(answer).toMatchObject({
      status: 200,
      body: { token_type: "Bearer", expires_in: 43200 },
    });

    const folder = `${http.url}/resource-manager/resource-manager/v1/folders/x`;
    const headers = { authorization: `Bearer ${answer.body.access_token}` };
    expect((await fetch(folder, { headers })).status).toBe(200);
  });

  test.each<[string, Record<string, string>, string]>([
    ["another grant", { grant_type: "password" }, "unsupported_grant_type"],
    ["no account", { audience: "" }, "invalid_request"],
    ["another wanted token", { requested_token_type: "x" }, "invalid_request"],
    ["another given token", { subject_token_type: "x" }, "invalid_request"],
    ["a token that is none", { subject_token: "x" }, "invalid_client"],
  ])("refuses %s", async (_, form, error) => {
    expect((await exchange(form)).body).toEqual({ error });
  });
});

interface Key {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  service: string;
}

// biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is compared field by field
async function read(response: Response): Promise<any> {
  return response.json();
}

function create() {
  return { folderId: "b1gfolder", name: "worker", rule: RULE };
}

function list(filter: string) {
  const query = new URLSearchParams({ folderId: "b1gfolder", filter });
  return rest("GET", `serverless-triggers/triggers/v1/triggers?${query}`);
}

async function rest(method: string, path: string, body?: object) {
  const response = await fetch(`${http.url}/${path}`, {
    method,
    headers: { authorization: "Bearer t1.token", "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: await read(response) };
}

function table() {
  return {
    TableName: "celery",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  };
}

function timeToLive() {
  return {
    TableName: "celery",
    TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
  };
}

function documentUrl(): string {
  return `${http.url}/docapi/ru-central1/b1gcloud/etn1`;
}

async function document(action: string, input: object) {
  const response = await fetch(documentUrl(), {
    method: "POST",
    headers: {
      authorization: "Bearer t1.token",
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDB_20120810.${action}`,
    },
    body: JSON.stringify(input),
  });
  return { status: response.status, body: await read(response) };
}

async function signedDocument(key: Pick<Key, "accessKeyId" | "secretAccessKey">) {
  const client = new AwsClient({ ...key, region: "ru-central1", service: "dynamodb", retries: 0 });
  const headers = { "x-amz-target": "DynamoDB_20120810.ListTables" };
  const response = await client.fetch(documentUrl(), { method: "POST", headers, body: "{}" });
  return (await response.json()) as { __type?: string };
}

async function queue(form: Record<string, string>, key: Partial<Key> = {}): Promise<string> {
  const client = new AwsClient({
    accessKeyId: "YCAJmade",
    secretAccessKey: "made-secret",
    region: "ru-central1",
    service: "sqs",
    retries: 0,
    ...key,
  });
  const url = `${http.url}/message-queue/b1gfolder/dj6/tasks`;
  const body = new URLSearchParams({ QueueUrl: url, ...form }).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return (await client.fetch(url, { method: "POST", headers, body })).text();
}

function s3(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const client = new AwsClient({
    accessKeyId: "YCAJpipeline",
    secretAccessKey: "pipeline-secret",
    region: "ru-central1",
    service: "s3",
    retries: 0,
  });
  const options = { method, headers, ...(body === undefined ? {} : { body }) };
  return client.fetch(`${http.url}/storage/${encodeURI(path)}`, options);
}

// Not the synchronous form: the server that terraform talks to runs in this process.
function run(program: string, argv: string[], env: NodeJS.ProcessEnv) {
  return new Promise<{ error: Error | null; stderr: string }>((resolve) => {
    execFile(program, argv, { cwd: dir, env }, (error, _, stderr) => resolve({ error, stderr }));
  });
}

function backend() {
  return {
    terraform: {
      backend: {
        s3: {
          endpoints: { s3: `${http.url}/storage` },
          bucket: "state",
          key: "app.tfstate",
          region: "ru-central1",
          use_path_style: true,
          use_lockfile: true,
          skip_region_validation: true,
          skip_credentials_validation: true,
          skip_requesting_account_id: true,
          skip_metadata_api_check: true,
          skip_s3_checksum: true,
        },
      },
    },
    output: { answer: { value: "42" } },
  };
}

async function exchange(change: Record<string, string>) {
  const body = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    audience: "ajedeployer",
    subject_token: "a.b.c",
    subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    ...change,
  });
  const response = await fetch(`${http.url}/auth/oauth/token`, { method: "POST", body });
  return { status: response.status, body: await read(response) };
}

describe("a container's own address", () => {
  const MEMBER = "userAccount:ajeann";

  const seedCommands = (more: (cloud: Cloud) => void = () => {}) =>
    changeCloud((cloud) => {
      const task = { inputs: { runtime: [{ type: "task" }] }, environment: {}, image: "x" };
      cloud.containers.bbamanage = {
        ...{ name: "manage", folderId: "b1gfolder", url: "" },
        revisions: [{ id: "bbarev", status: "ACTIVE", digest: "sha256:2", ...task }],
      };
      for (const id of ["bbamanage", "bbaweb"]) {
        cloud.grants.push({
          ...{ target: `container:${id}`, member: MEMBER, effectiveAt: 0 },
          role: "serverless-containers.containerInvoker",
        });
      }
      cloud.commands = { "migrate --noinput": { exitCode: 3, output: "broken\n" } };
      more(cloud);
    }, dir);

  const call = async (words: unknown, { id = "bbamanage", token = iamToken(MEMBER) } = {}) => {
    const response = await fetch(`${http.url}/containers/${id}/`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ manage: words }),
    });
    const code = response.headers.get("x-task-exit-code");
    return [response.status, code, await response.text()];
  };

  test("runs a command for whoever has the right, and for nobody else", async () => {
    seedCommands();

    expect(await call(["migrate", "--noinput"])).toEqual([200, "3", "broken\n"]);
    expect(await call(["check"])).toEqual([200, "0", ""]);
    expect(readCloud(dir).log).toContain("manage sha256:2 migrate --noinput");
    const stranger = { token: iamToken("userAccount:ajebob") };
    expect((await call(["check"], stranger))[0]).toBe(403);
    expect((await call(["check"], { token: "y0_oauth" }))[0]).toBe(401);
    expect((await call(["check"], { id: "bbanone" }))[0]).toBe(404);
    expect((await call(["check"], { id: "bbaworker" }))[0]).toBe(403);
  });

  test("of a container that serves says nothing of an exit code", async () => {
    seedCommands();

    expect(await call(["check"], { id: "bbaweb" })).toEqual([
      ...[200, null, "Container web, revision bbarev9\n"],
    ]);
  });

  test("takes a request without words for none", async () => {
    seedCommands();

    expect((await call([])).slice(0, 2)).toEqual([200, "2"]);
  });

  test("honours a new right late", async () => {
    seedCommands((cloud) => {
      cloud.faults.lateInvokers = 1;
      for (const grant of cloud.grants) grant.effectiveAt = cloud.tick + 5;
    });

    const statuses = [await call(["check"]), await call(["check"]), await call(["check"])];
    expect(statuses.map(([status]) => status)).toEqual([403, 403, 200]);
  });

  test("ends a command that is out of time", async () => {
    seedCommands(({ faults }) => {
      faults.commands = "timeout";
    });

    expect((await call(["check"])).slice(0, 2)).toEqual([504, null]);
  });
});

function grant(role: string): void {
  changeCloud((cloud) => {
    cloud.grants.push({
      target: "folder:b1gfolder",
      role,
      member: "serviceAccount:ajereader",
      effectiveAt: 0,
    });
  }, dir);
}

function seed(cloud: Cloud): void {
  const folderId = "b1gfolder";
  const container = (name: string, revisions: Cloud["containers"][string]["revisions"]) => ({
    name,
    folderId,
    url: `https://${name}.containers.yandexcloud.net/`,
    revisions,
  });
  const revision = {
    image: "cr.yandex/crpone/app",
    environment: { REVISION_FINGERPRINT: "abc" },
    inputs: {},
  };
  const integration = (it: object) => ({
    "x-yc-apigateway-any-method": { "x-yc-apigateway-integration": it },
  });
  const web = integration({
    type: "serverless_containers",
    container_id: "bbaweb",
    service_account_id: "ajeinvoker",
  });

  cloud.accounts = {
    ajereader: { name: "reader", folderId },
    ajeinvoker: { name: "invoker", folderId },
  };
  cloud.keys = { YCAJmade: { id: "ajekey", accountId: "ajereader", secret: "made-secret" } };
  cloud.queues = {
    [`${http.url}/message-queue/b1gfolder/dj6/tasks`]: {
      name: "tasks",
      arn: QUEUE,
      folderId,
      attributes: { VisibilityTimeout: "600" },
    },
  };
  cloud.containers = {
    bbaworker: container("worker", [
      { id: "bbarev1", status: "OBSOLETE", digest: "sha256:1", ...revision },
      { id: "bbarev2", status: "ACTIVE", digest: "sha256:2", ...revision },
    ]),
    bbaweb: container("web", [
      { id: "bbarev9", status: "ACTIVE", digest: "sha256:2", ...revision },
    ]),
  };
  cloud.gateways = {
    d5dgate: {
      name: "site",
      folderId,
      domain: "d5dgate.apigw.yandexcloud.net",
      domains: [{ fqdn: "shop.example.org", certificateId: "fpq" }],
      spec: JSON.stringify({
        openapi: "3.0.0",
        paths: {
          "/": web,
          "/{proxy+}": web,
          "/worker/{rest+}": integration({
            type: "dummy",
            http_code: 404,
            content: { "*": "nothing here" },
          }),
          "/worker/": integration({
            type: "dummy",
            http_code: 404,
            content: { "*": "nothing here" },
          }),
          "/static/{file+}": integration({
            type: "object_storage",
            bucket: "files",
            object: "{file}",
          }),
        },
      }),
    },
  };
  cloud.grants = [
    {
      target: "container:bbaweb",
      role: "serverless-containers.containerInvoker",
      member: "serviceAccount:ajeinvoker",
      effectiveAt: 0,
    },
  ];
  cloud.objects = { "files/site.css": "body {}" };
  cloud.repositories = { "crpone/app": { id: "crprepo" } };
  cloud.images = [
    { id: "crpimage", repository: "crpone/app", digest: "sha256:2", tags: ["latest"] },
  ];
  cloud.secrets = {
    e6qsecret: {
      name: "s",
      versions: { e6qv: { status: "ACTIVE", entries: { password: "hunter2" } } },
    },
  };
  cloud.certificates = {
    fpq: { name: "site", folderId, domains: ["shop.example.org"], status: "ISSUED" },
  };
  cloud.databases = {
    etn1: { name: "results", folderId, endpoint: documentUrl(), deletionProtection: false },
  };
}
