import { existsSync, mkdtempSync, readdirSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AwsClient } from "aws4fetch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Refused } from "../../../packages/local-cloud/events/event.ts";
import { startStorage } from "../../../packages/local-cloud/storage/server.ts";
import type { Listening } from "../../../packages/local-cloud/support/listen.ts";

const BUCKET = "shop-media-local";
const SITE = "http://localhost:8000";
const KEYS = { "local-runtime": "local-runtime", local: "secret" };

let server: Listening;
let refused: Refused[];
beforeEach(async () => {
  refused = [];
  server = await start();
});
afterEach(() => server.close());

function start(directory?: string): Promise<Listening> {
  return startStorage({
    ...{ bucket: BUCKET, port: 0, keys: KEYS, directory },
    report: (event) => refused.push(event as Refused),
  });
}

function clientOf(accessKeyId = "local-runtime", secretAccessKey = accessKeyId): AwsClient {
  return new AwsClient({
    ...{ accessKeyId, secretAccessKey, service: "s3", region: "ru-central1", retries: 0 },
  });
}

const urlOf = (key: string) => `${server.url}/${BUCKET}/${key}`;

/** A link, as the site makes one for a browser. */
async function sign(method: string, key: string): Promise<string> {
  const signed = await clientOf().sign(urlOf(key), { method, aws: { signQuery: true } });
  return signed.url;
}

describe("a signed link", () => {
  test("uploads and reads, from pages of the site and from others that link to it", async () => {
    const headers = { origin: SITE };
    const put = await fetch(await sign("PUT", "a.txt"), { method: "PUT", headers, body: "one" });
    const link = await sign("GET", "a.txt");
    const get = await fetch(link, { headers: { ...headers, range: "bytes=0-1" } });

    expect([put.status, get.status, await get.text()]).toEqual([200, 206, "on"]);
    expect(put.headers.get("access-control-allow-origin")).toBe("*");
    expect(put.headers.get("access-control-expose-headers")).toBe("ETag");
    expect((await fetch(link, { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(200);
    expect(refused).toEqual([]);
  });

  test("works for what it was signed for only", async () => {
    await fetch(await sign("PUT", "a.txt"), { method: "PUT", body: "one" });
    const link = await sign("GET", "a.txt");

    expect((await fetch(link, { method: "DELETE" })).status).toBe(403);
    expect((await fetch(link.replace("a.txt", "b.txt"))).status).toBe(403);
    expect(refused.map(({ code }) => code)).toEqual([
      ...["SignatureDoesNotMatch", "SignatureDoesNotMatch"],
    ]);
    expect(refused[0]).toMatchObject({
      by: "storage",
      message: `DELETE /${BUCKET}/a.txt: The request signature we calculated does not match the signature you provided. Check your key and signing method.`,
    });
  });

  test("is asked for by a browser before it uploads", async () => {
    const asked = await fetch(await sign("PUT", "a.txt"), {
      method: "OPTIONS",
      headers: {
        origin: SITE,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "content-type",
      },
    });

    expect(asked.status).toBe(200);
    expect(asked.headers.get("access-control-allow-methods")).toBe("GET, HEAD, PUT, POST");
    expect(asked.headers.get("access-control-allow-headers")).toBe("content-type");
  });
});

test("clients with a key of the local cloud are served, and others are not", async () => {
  const put = (client: AwsClient) => client.fetch(urlOf("a.txt"), { method: "PUT", body: "one" });

  expect((await put(clientOf("local", "secret"))).status).toBe(200);
  expect((await put(clientOf("local", "wrong"))).status).toBe(403);
  expect((await put(clientOf("stranger"))).status).toBe(403);
  expect(refused.map(({ code }) => code)).toEqual(["SignatureDoesNotMatch", "InvalidAccessKeyId"]);
});

test("a form uploads, and its file is there", async () => {
  const form = new FormData();
  form.set("key", "a.txt");
  form.set("file", new Blob(["one"]), "a.txt");
  const post = { method: "POST", body: form };

  const posted = await fetch(`${server.url}/${BUCKET}`, { ...post, headers: { origin: SITE } });

  expect(posted.status).toBe(204);
  expect(await (await clientOf().fetch(urlOf("a.txt"))).text()).toBe("one");
  const abroad = { ...post, headers: { "sec-fetch-site": "cross-site" } };
  expect((await fetch(`${server.url}/${BUCKET}`, abroad)).status).toBe(403);
});

const NOT_SIGNED = {
  code: "AccessDenied",
  message: `GET /${BUCKET}/a.txt is not signed, and the bucket is private.`,
  fix: "Use the link that url() of the storage makes; its signature_version has to be s3v4",
};

describe("what is refused", () => {
  test.each<[string, string, RequestInit, number, object]>([
    ["what is not signed", "a.txt", {}, 403, NOT_SIGNED],
    [
      "a link of version 2",
      "a.txt?AWSAccessKeyId=local&Signature=x&Expires=1",
      {},
      403,
      NOT_SIGNED,
    ],
    [
      "an upload that is not signed, once it is over",
      "a.txt",
      { method: "PUT", body: "x".repeat(5_000_000) },
      403,
      { ...NOT_SIGNED, message: NOT_SIGNED.message.replace("GET", "PUT") },
    ],
    [
      "a page of another site",
      "a.txt",
      { headers: { origin: "https://evil.example" } },
      403,
      {
        code: "AccessDenied",
        message:
          'Origin is "https://evil.example". Pages of other sites cannot send requests here.',
      },
    ],
    [
      "a key that leads out of the bucket",
      "a%2F..%2F..%2Fb",
      { headers: { authorization: "x" } },
      400,
      {
        code: "InvalidURI",
        message: `/${BUCKET}/a%2F..%2F..%2Fb would lead out of the bucket.`,
      },
    ],
  ])("%s", async (_, key, init, status, refusal) => {
    const answer = await fetch(urlOf(key), init);

    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain("<Error><Code>");
    expect(refused).toEqual([{ type: "refused", by: "storage", ...refusal }]);
  });

  test("a name of somebody else's that leads here", async () => {
    const { port } = server;
    const asked = request({ port, host: "127.0.0.1", headers: { host: "evil.example" } });
    const status = await new Promise((resolve) => {
      asked.on("response", (response) => resolve(response.statusCode)).end();
    });

    expect(status).toBe(403);
    expect(refused).toMatchObject([{ code: "AccessDenied" }]);
  });

  test.each(["PUT", "DELETE"])("%s of a bucket, which is the stack's", async (method) => {
    const answer = await clientOf().fetch(`${server.url}/other`, { method });

    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain(
      `<Message>${method} /other would change a bucket, which only the stack does.</Message>`,
    );
  });

  test("another bucket, by the name of the one there is", async () => {
    expect((await clientOf().fetch(`${server.url}/other/a.txt`)).status).toBe(404);
    expect(refused).toMatchObject([
      { code: "NoSuchBucket", fix: `The bucket of 'media' is ${BUCKET}` },
    ]);
  });

  test("nothing that programs do all the time: to ask for a file that may not be there", async () => {
    expect((await clientOf().fetch(urlOf("a.txt"), { method: "HEAD" })).status).toBe(404);
    expect((await clientOf().fetch(urlOf("a.txt"))).status).toBe(404);
    expect(refused).toEqual([]);
  });

  test.each(["//", "/%", `/${BUCKET}/%zz`])("%s does not end it", async (path) => {
    const asked = request({ port: server.port, path, headers: { authorization: "x" } });
    await new Promise((resolve) => asked.on("response", resolve).end());

    expect((await clientOf().fetch(urlOf("a.txt"))).status).toBe(404);
  });
});

describe("the files", () => {
  test("are there again with a folder, which its owner alone reads", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "storage-")), "storage");
    const kept = await start(folder);
    const put = { method: "PUT", body: "one" };
    await clientOf().fetch(`${kept.url}/${BUCKET}/dir/a.txt`, put);
    await kept.close();

    const again = await start(folder);
    const read = await clientOf().fetch(`${again.url}/${BUCKET}/dir/a.txt`);

    expect(await read.text()).toBe("one");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await again.close();
    expect(existsSync(folder)).toBe(true);
  });

  test("are gone without one", async () => {
    const before = temporary();
    const brief = await start();
    const added = temporary().filter((name) => !before.includes(name));
    expect(added).toHaveLength(1);

    await brief.close();

    expect(temporary().filter((name) => added.includes(name))).toEqual([]);
  });
});

function temporary(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("local-cloud-storage-"));
}
