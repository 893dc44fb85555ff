import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { installProvider } from "./provider/install.ts";
import { changeCloud, readCloud } from "./state.ts";
import {
  apply,
  describeTerraform,
  FOLDER_ID,
  newCloud,
  newStack,
  plan,
  terraform,
  writeStack,
} from "./terraform.ts";

const COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const DIGEST = `sha256:${"a".repeat(64)}`;
const OTHER_DIGEST = `sha256:${"b".repeat(64)}`;

const HEAD = `
terraform {
  required_providers {
    yandex = { source = "yandex-cloud/yandex", version = "~> 0.220" }
  }
}
`;

const REGISTRY = `
resource "yandex_container_registry" "r" { name = "images" }
resource "yandex_container_repository" "app" { name = "\${yandex_container_registry.r.id}/app" }
`;

const REPOSITORY = "crp1/app";

const PULLER = `
resource "yandex_iam_service_account" "a" { name = "runner" }
resource "yandex_resourcemanager_folder_iam_member" "pull" {
  folder_id   = yandex_iam_service_account.a.folder_id
  role        = "container-registry.images.puller"
  member      = "serviceAccount:\${yandex_iam_service_account.a.id}"
  sleep_after = 30
}
`;

it("leaves an interrupt to terraform, as real providers do", async () => {
  const mirror = readFileSync(installProvider(), "utf8").match(/path = "(.*)"/)?.[1] ?? "";
  const file = join(dirname(mirror), "provider.cjs");
  const provider = spawn(process.execPath, [file], { env: { TF_PLUGIN_MAGIC_COOKIE: COOKIE } });
  await once(provider.stdout, "data");

  provider.kill("SIGINT");
  provider.kill("SIGTERM");

  expect(await once(provider, "exit")).toEqual([null, "SIGTERM"]);
});

describeTerraform("the stand-in provider", () => {
  describe.concurrent("a first revision that does not start", () => {
    it("passes unseen when nothing looks at it", async () => {
      const cloud = newCloud();
      const dir = newStack({ "base.tf": HEAD + PULLER, "app.tf": container({}) });
      const first = await apply(dir, cloud);
      expect(first.code).toBe(0);
      expect(first.output).toContain("Warning: Failed to deploy a revision of container web");
      push(cloud, DIGEST);
      expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
    });

    it("locks every later plan when a postcondition looks at revision_id", async () => {
      const condition = postcondition("self.revision_id != null");
      const cloud = newCloud();
      const app = container({ inside: condition });
      const dir = newStack({ "base.tf": HEAD + PULLER, "app.tf": app });
      expect(await apply(dir, cloud)).toMatchObject({ code: 1 });
      push(cloud, DIGEST);
      expect(await plan(dir, cloud)).toMatchObject({ code: 1 });
      writeStack(dir, { "app.tf": container({ inside: condition, memory: 512 }) });
      expect(await plan(dir, cloud)).toMatchObject({ code: 1 });
      const replaced = await apply(dir, cloud, ["-replace=yandex_serverless_container.web"]);
      expect(replaced.code, replaced.output).toBe(0);
    });

    it("is recovered from by the next apply when a provisioner fails on it", async () => {
      const cloud = newCloud();
      const app = container({ inside: PROVISIONER });
      const dir = newStack({ "base.tf": HEAD + PULLER, "app.tf": app });
      const first = await apply(dir, cloud);
      expect(first.code).toBe(1);
      const [tainted] = Object.keys(readCloud(cloud).containers);
      push(cloud, DIGEST);
      const second = await apply(dir, cloud);
      expect(second.code, second.output).toBe(0);
      expect(second.output).toContain("is tainted, so must be replaced");
      expect(Object.keys(readCloud(cloud).containers)).not.toContain(tainted);
      expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
    });
  });

  describe.concurrent("a later revision that does not start", () => {
    it("exits 0 and shows again in the next plan when nothing looks at it", async () => {
      const { cloud, dir } = await withContainer("");
      breakRevisions(cloud, true);
      writeStack(dir, { "app.tf": container({ memory: 512 }) });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      expect(activeInputs(cloud)).toMatchObject({ memory: 256 });
      const next = await plan(dir, cloud);
      expect(next.code).toBe(2);
      expect(next.output).toMatch(/memory\s+= 256 -> 512/);
    });

    it("is caught for a new image, and only for that, by a postcondition on the image", async () => {
      const look = postcondition("self.image[0].url == local.url");
      const { cloud, dir } = await withContainer(look);
      writeStack(dir, { "app.tf": container({ inside: look, digest: OTHER_DIGEST }) });
      expect(await apply(dir, cloud)).toMatchObject({ code: 1 });
      expect(await plan(dir, cloud)).toMatchObject({ code: 2 });
      push(cloud, OTHER_DIGEST);
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      breakRevisions(cloud, true);
      writeStack(dir, { "app.tf": container({ inside: look, digest: OTHER_DIGEST, memory: 512 }) });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
    });

    it("is caught in every case by a postcondition on a fingerprint of all inputs", async () => {
      const look = postcondition('self.image[0].environment["PRINT"] == local.print');
      const { cloud, dir } = await withContainer(look);
      breakRevisions(cloud, true);
      writeStack(dir, { "app.tf": container({ inside: look, memory: 512 }) });
      expect(await apply(dir, cloud)).toMatchObject({ code: 1 });
      breakRevisions(cloud, false);
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      expect(activeInputs(cloud)).toMatchObject({ memory: 512 });
      expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
    });
  });

  describe.concurrent("rights", () => {
    it("come too late for a container made in the same apply without sleep_after", async () => {
      const cloud = newCloud();
      push(cloud, DIGEST);
      const late = PULLER.replace("sleep_after = 30", "");
      const dir = newStack({ "base.tf": HEAD + late, "app.tf": container({}) });
      const first = await apply(dir, cloud);
      expect(first.output).toContain("cannot pull image");
      writeStack(dir, { "app.tf": container({ memory: 512 }) });
      const second = await apply(dir, cloud);
      expect(second.output).not.toContain("Warning");
    });

    it("are looked at for each secret that a container reads", async () => {
      const cloud = newCloud();
      push(cloud, DIGEST);
      const app = container({ inside: SECRET_USE });
      const dir = newStack({ "base.tf": HEAD + PULLER + SECRET, "app.tf": app });
      const blind = await apply(dir, cloud);
      expect(blind.output).toContain("cannot read secret");
      writeStack(dir, {
        "rights.tf": SECRET_RIGHT,
        "app.tf": container({ inside: SECRET_USE, memory: 512 }),
      });
      const second = await apply(dir, cloud);
      expect(second.code, second.output).toBe(0);
      expect(second.output).not.toContain("Warning");
      expect(JSON.stringify(await state(dir, cloud))).not.toContain(secretText(cloud, "token"));
    });

    it("are replaced, not changed, when sleep_after changes", async () => {
      const cloud = newCloud();
      const dir = newStack({ "main.tf": HEAD + PULLER });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      writeStack(dir, { "main.tf": HEAD + PULLER.replace("= 30", "= 40") });
      const next = await plan(dir, cloud);
      expect(next.output).toContain("1 to add, 0 to change, 1 to destroy");
    });
  });

  describe.concurrent("queues and keys", () => {
    it("makes key, right and queue in one apply and finds nothing to do after", async () => {
      const cloud = newCloud();
      const dir = newStack({ "main.tf": HEAD + queues("10") });
      const first = await apply(dir, cloud);
      expect(first.code, first.output).toBe(0);
      expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
      const [url = ""] = Object.keys(readCloud(cloud).queues);
      expect(url).toMatch(
        /^https:\/\/message-queue\.api\.cloud\.yandex\.net\/[^/]+\/[^/]+\/[^/]+$/,
      );
      const gone = await terraform(dir, cloud, ["destroy", "-auto-approve"]);
      expect(gone.code, gone.output).toBe(0);
      expect(readCloud(cloud)).toMatchObject({ queues: {}, keys: {}, accounts: {}, grants: [] });
    });

    it("shows a change for ever when the receive count is written as text", async () => {
      const cloud = newCloud();
      const dir = newStack({ "main.tf": HEAD + queues('"10"') });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      const next = await plan(dir, cloud);
      expect(next.code).toBe(2);
      expect(next.output).toContain("redrive_policy");
    });

    it("refuses a queue without a key, and with the key of an account that has no right", async () => {
      const cloud = newCloud();
      const dir = newStack({
        "main.tf": `${HEAD}resource "yandex_message_queue" "q" { name = "q" }`,
      });
      const keyless = await apply(dir, cloud);
      expect(keyless.output).toContain("access key and secret key must be given");
      const rightless = queues("10").replace("ymq.admin", "ymq.reader");
      writeStack(dir, { "main.tf": HEAD + rightless });
      const denied = await apply(dir, cloud);
      expect(denied.output).toContain("AccessDeniedException");
      const ambient = { YC_MESSAGE_QUEUE_ACCESS_KEY: "own", YC_MESSAGE_QUEUE_SECRET_KEY: "own" };
      writeStack(dir, { "main.tf": `${HEAD}resource "yandex_message_queue" "q" { name = "q" }` });
      const args = ["apply", "-auto-approve"];
      expect(await terraform(dir, cloud, args, ambient)).toMatchObject({ code: 0 });
    });

    it("recreates a queue when its key lost the right", async () => {
      const cloud = newCloud();
      const dir = newStack({ "main.tf": HEAD + queues("10") });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      changeCloud((it) => {
        it.grants = [];
      }, cloud);
      const next = await plan(dir, cloud, ["-target=yandex_message_queue.work"]);
      expect(next.output).toContain("yandex_message_queue.work will be created");
    });

    it("keeps a key in Lockbox and its id out of the state until the next refresh", async () => {
      const cloud = newCloud();
      push(cloud, DIGEST);
      const base = HEAD + PULLER + LOCKBOX_KEY + SECRET_RIGHT;
      const dir = newStack({ "base.tf": base, "app.tf": container({ inside: LOCKBOX_KEY_USE }) });
      const first = await apply(dir, cloud);
      expect(first.code, first.output).toBe(0);
      expect(first.output).not.toContain("Warning");
      expect(JSON.stringify(await state(dir, cloud))).not.toContain(secretText(cloud, "secret"));
      expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
    });

    it("shows a change for nothing where the id of such a key is used", async () => {
      const cloud = newCloud();
      const output = `output "key" { value = yandex_iam_service_account_static_access_key.k.access_key }`;
      const account = `resource "yandex_iam_service_account" "a" { name = "runner" }`;
      const dir = newStack({ "main.tf": HEAD + account + LOCKBOX_KEY + output });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      const next = await plan(dir, cloud);
      expect(next.code).toBe(2);
      expect(next.output).toMatch(/key = "" -> "YCAJE/);
    });

    it("puts queues and the Document API on the HTTP server that CLOUD_HTTP names", async () => {
      const cloud = newCloud();
      const database = `resource "yandex_ydb_database_serverless" "d" { name = "results" }`;
      const dir = newStack({ "main.tf": HEAD + queues("10") + database });
      const http = { CLOUD_HTTP: "http://127.0.0.1:4567" };
      const run = await terraform(dir, cloud, ["apply", "-auto-approve"], http);
      expect(run.code, run.output).toBe(0);
      const { queues: made, databases } = readCloud(cloud);
      expect(Object.keys(made)[0]).toMatch(
        /^http:\/\/127\.0\.0\.1:4567\/message-queue\/\w+\/\w+\/\w+$/,
      );
      expect(Object.values(databases)[0]?.endpoint).toMatch(
        /^http:\/\/127\.0\.0\.1:4567\/docapi\/ru-central1\/\w+\/\w+$/,
      );
    });
  });

  describe.concurrent("a certificate and the gateway's domain", () => {
    it("attaches the domain in place once the certificate is issued", async () => {
      const { cloud, dir } = await withCertificate("VALIDATING");
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
      setCertificate(cloud, "ISSUED");
      const attached = await apply(dir, cloud);
      expect(attached.output).toContain("0 added, 1 changed, 0 destroyed");
      for (const status of ["RENEWING", "RENEWAL_FAILED"] as const) {
        setCertificate(cloud, status);
        expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
      }
      setCertificate(cloud, "INVALID");
      expect(await plan(dir, cloud)).toMatchObject({ code: 1 });
    });

    it("leaves the old state when the attaching fails on an update", async () => {
      const { cloud, dir } = await withCertificate("VALIDATING");
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      setCertificate(cloud, "ISSUED");
      changeCloud((it) => {
        it.faults.attachDomain = true;
      }, cloud);
      expect(await apply(dir, cloud)).toMatchObject({ code: 1 });
      const next = await plan(dir, cloud);
      expect(next.output).toContain("0 to add, 1 to change, 0 to destroy");
    });

    it("taints a gateway that is created with a domain whose certificate is not issued", async () => {
      const { cloud, dir } = await withCertificate("VALIDATING");
      writeStack(dir, { "main.tf": HEAD + GATEWAY_AT_ONCE });
      expect(await apply(dir, cloud)).toMatchObject({ code: 1 });
      const next = await plan(dir, cloud);
      expect(next.output).toContain("is tainted, so must be replaced");
    });

    it("stops every plan of the certificate's own stack while it renews without challenges", async () => {
      const cloud = newCloud();
      const dir = newStack({ "main.tf": HEAD + CERTIFICATE });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      const outputs = await terraform(dir, cloud, ["output", "-json"]);
      expect(JSON.parse(outputs.stdout).name.value).toBe("_acme-challenge.shop.example.");
      setCertificate(cloud, "ISSUED");
      expect((await plan(dir, cloud)).output).toContain("ISSUED");
      setCertificate(cloud, "RENEWING");
      const renewing = await plan(dir, cloud);
      expect(renewing.output).toContain("certificate challenges still being created");
      setCertificate(cloud, "INVALID");
      expect(await plan(dir, cloud)).toMatchObject({ code: 1 });
    });

    it("refuses a record set that is there already", async () => {
      const cloud = newCloud();
      changeCloud((it) => {
        it.others.yandex_dns_zone = { dns1: { id: "dns1", name: "shop", zone: "shop.example." } };
        it.dnsRecords["dns1/shop.example./ANAME"] = ["elsewhere.example."];
      }, cloud);
      const dir = newStack({ "main.tf": HEAD + RECORD });
      expect((await apply(dir, cloud)).output).toContain("code = AlreadyExists");
    });
  });

  describe.concurrent("triggers", () => {
    it("take one queue each, change in place and go with their queue's stack", async () => {
      const { cloud, dir } = await withContainer("", queues("10") + trigger("one", "1"));
      expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
      const triggers = trigger("one", "5") + trigger("two", "1");
      writeStack(dir, { "more.tf": queues("10") + triggers });
      const second = await apply(dir, cloud);
      expect(second.output).toContain("already has trigger one");
      const [made] = Object.values(readCloud(cloud).triggers);
      expect(made?.rule.message_queue?.batch_settings).toEqual({ size: "5", cutoff: "1s" });
    });

    it("refuse a retry setting on a queue", async () => {
      const retry = trigger("one", "1").replace("path", 'retry_attempts = "2"\n    path');
      const cloud = newCloud();
      const base = HEAD + PULLER + container({});
      const dir = newStack({ "main.tf": base + queues("10") + retry });
      const run = await apply(dir, cloud);
      expect(run.output).toContain("not supported for message queue trigger");
    });
  });

  describe.concurrent("the rest", () => {
    it("refuses to delete a registry that holds images and a database that is protected", async () => {
      const cloud = newCloud();
      const database = `resource "yandex_ydb_database_serverless" "d" {
        name                = "results"
        deletion_protection = true
      }`;
      const dir = newStack({ "main.tf": HEAD + REGISTRY + database });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      push(cloud, DIGEST, Object.keys(readCloud(cloud).repositories)[0]);
      const run = await terraform(dir, cloud, ["destroy", "-auto-approve"]);
      expect(run.code).toBe(1);
      expect(run.output).toContain("is not empty");
      expect(run.output).toContain("is protected from deletion");
    });

    it("notices a removed optional attribute but not a removed computed one", async () => {
      const cloud = newCloud();
      const labels = 'labels = { team = "shop" }';
      const secret = 'resource "yandex_lockbox_secret" "s" {\n  name = "s"\n';
      const account = 'resource "yandex_iam_service_account" "a" {\n  name = "a"\n';
      const dir = newStack({ "main.tf": `${HEAD}${secret}${labels}\n}\n${account}${labels}\n}` });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      writeStack(dir, { "main.tf": `${HEAD}${secret}\n}\n${account}${labels}\n}` });
      expect((await plan(dir, cloud)).output).toContain("0 to add, 1 to change, 0 to destroy");
      writeStack(dir, { "main.tf": `${HEAD}${secret}${labels}\n}\n${account}\n}` });
      expect(await plan(dir, cloud)).toMatchObject({ code: 0 });
    });

    it("refuses attributes that the real schema does not have", async () => {
      const dir = newStack({
        "main.tf": `${HEAD}resource "yandex_message_queue" "q" { colour = "red" }`,
      });
      const run = await terraform(dir, newCloud(), ["validate"]);
      expect(run.output).toContain('An argument named "colour" is not expected here.');
    });

    it.each([
      ["no cloud", { CLOUD_DIR: "" }, "CLOUD_DIR is not set"],
      ["no token", { YC_TOKEN: "" }, "'token' or 'service_account_key_file' should be specified"],
      ["a certificate bundle", { AWS_CA_BUNDLE: "/etc/ca.pem" }, "LoadCustomCABundleError"],
    ])("refuses to start with %s", async (_case, env, message) => {
      const dir = newStack({ "main.tf": `${HEAD}data "yandex_client_config" "c" {}` });
      const run = await terraform(dir, newCloud(), ["plan"], env);
      expect(run.code).toBe(1);
      expect(run.output).toContain(message);
    });

    it("makes one of every other type, plans no change after, and destroys them", async () => {
      const cloud = newCloud();
      push(cloud, DIGEST);
      const more = { "base.tf": HEAD + PULLER + container({}), "others.tf": OTHERS };
      const dir = newStack(more);
      const first = await apply(dir, cloud);
      expect(first.code, first.output).toBe(0);
      const next = await plan(dir, cloud);
      expect(next.code, next.output).toBe(0);
      const gone = await terraform(dir, cloud, ["destroy", "-auto-approve"]);
      expect(gone.code, gone.output).toBe(0);
      expect(readCloud(cloud)).toMatchObject({ triggers: {}, containers: {}, secrets: {} });
    });

    it("writes every change into the cloud's log", async () => {
      const cloud = newCloud();
      const dir = newStack({ "main.tf": HEAD + REGISTRY + PULLER });
      expect(await apply(dir, cloud)).toMatchObject({ code: 0 });
      expect(readCloud(cloud).log.sort()).toEqual([
        expect.stringMatching(/^terraform create yandex_container_registry images$/),
        expect.stringMatching(/^terraform create yandex_container_repository crp.+\/app$/),
        "terraform create yandex_iam_service_account runner",
        "terraform create yandex_resourcemanager_folder_iam_member",
      ]);
      expect(readCloud(cloud).grants[0]?.target).toBe(`folder:${FOLDER_ID}`);
    });
  });
});

const PROVISIONER = `
  provisioner "local-exec" {
    command     = "test $REVISION != none"
    environment = { REVISION = coalesce(self.revision_id, "none") }
  }
`;

const SECRET = `
resource "yandex_lockbox_secret" "s" {
  name = "token"
  password_payload_specification { password_key = "token" }
}
resource "yandex_lockbox_secret_version" "v" { secret_id = yandex_lockbox_secret.s.id }
`;

const SECRET_USE = `
  secrets {
    id                   = yandex_lockbox_secret.s.id
    version_id           = yandex_lockbox_secret_version.v.id
    key                  = "token"
    environment_variable = "TOKEN"
  }
`;

const SECRET_RIGHT = `
resource "yandex_lockbox_secret_iam_member" "read" {
  secret_id   = yandex_lockbox_secret.s.id
  role        = "lockbox.payloadViewer"
  member      = "serviceAccount:\${yandex_iam_service_account.a.id}"
  sleep_after = 30
}
`;

const LOCKBOX_KEY = `
resource "yandex_lockbox_secret" "s" { name = "key" }
resource "yandex_iam_service_account_static_access_key" "k" {
  service_account_id = yandex_iam_service_account.a.id
  output_to_lockbox {
    secret_id            = yandex_lockbox_secret.s.id
    entry_for_access_key = "id"
    entry_for_secret_key = "secret"
  }
}
`;

const LOCKBOX_KEY_USE = ["id", "secret"]
  .map(
    (key) => `
  secrets {
    id                   = yandex_lockbox_secret.s.id
    version_id           = yandex_iam_service_account_static_access_key.k.output_to_lockbox_version_id
    key                  = "${key}"
    environment_variable = "KEY_${key}"
  }`,
  )
  .join("");

const QUEUE_KEY = `
resource "yandex_iam_service_account" "q" { name = "queues" }
resource "yandex_resourcemanager_folder_iam_member" "q" {
  folder_id   = yandex_iam_service_account.q.folder_id
  role        = "ymq.admin"
  member      = "serviceAccount:\${yandex_iam_service_account.q.id}"
  sleep_after = 30
}
resource "yandex_iam_service_account_static_access_key" "q" {
  service_account_id = yandex_iam_service_account.q.id
}
`;

const CERTIFICATE = `
resource "yandex_cm_certificate" "c" {
  name    = "shop"
  domains = ["shop.example"]
  managed { challenge_type = "DNS_CNAME" }
}
output "name" { value = yandex_cm_certificate.c.challenges[0].dns_name }
output "status" { value = yandex_cm_certificate.c.status }
`;

const GATEWAY = `
data "yandex_cm_certificate" "c" { name = "shop" }
resource "yandex_api_gateway" "g" {
  name = "shop"
  spec = "{}"
  dynamic "custom_domains" {
    for_each = contains(["ISSUED", "RENEWING", "RENEWAL_FAILED"], data.yandex_cm_certificate.c.status) ? ["shop.example"] : []
    content {
      fqdn           = custom_domains.value
      certificate_id = data.yandex_cm_certificate.c.id
    }
  }
}
`;

const GATEWAY_AT_ONCE = `
resource "yandex_api_gateway" "g" {
  name = "shop"
  spec = "{}"
  custom_domains {
    fqdn           = "shop.example"
    certificate_id = "fpq1"
  }
}
`;

const RECORD = `
data "yandex_dns_zone" "z" { name = "shop" }
resource "yandex_dns_recordset" "r" {
  zone_id = data.yandex_dns_zone.z.id
  name    = data.yandex_dns_zone.z.zone
  type    = "ANAME"
  ttl     = 300
  data    = ["gateway.example."]
}
`;

const OTHERS = `
resource "yandex_function_trigger" "nightly" {
  name = "nightly"
  timer {
    cron_expression = "0 3 * * ? *"
    payload         = "report"
  }
  container {
    id                 = yandex_serverless_container.web.id
    service_account_id = yandex_iam_service_account.a.id
    retry_attempts     = "2"
    retry_interval     = "10"
  }
}
resource "yandex_serverless_container_iam_binding" "b" {
  container_id = yandex_serverless_container.web.id
  role         = "serverless-containers.containerInvoker"
  members      = ["system:allUsers", "serviceAccount:\${yandex_iam_service_account.a.id}"]
}
resource "yandex_logging_group" "l" {
  name             = "logs"
  retention_period = "72h"
}
resource "yandex_storage_bucket" "b" {
  bucket    = "static"
  folder_id = yandex_iam_service_account.a.folder_id
  versioning { enabled = true }
}
resource "yandex_dns_zone" "z" {
  name   = "shop"
  zone   = "shop.example."
  public = true
}
resource "yandex_dns_recordset" "r" {
  zone_id = yandex_dns_zone.z.id
  name    = "www.shop.example."
  type    = "CNAME"
  ttl     = 300
  data    = ["gateway.example."]
}
resource "yandex_lockbox_secret" "h" { name = "hashed" }
resource "yandex_lockbox_secret_version_hashed" "h" {
  secret_id    = yandex_lockbox_secret.h.id
  key_1        = "password"
  text_value_1 = "very secret"
}
resource "yandex_lockbox_secret" "e" { name = "entries" }
resource "yandex_lockbox_secret_version" "e" {
  secret_id = yandex_lockbox_secret.e.id
  entries {
    key        = "password"
    text_value = "very secret"
  }
}
resource "yandex_iam_service_account_key" "k" {
  service_account_id = yandex_iam_service_account.a.id
}
resource "yandex_iam_workload_identity_oidc_federation" "f" {
  name      = "pipeline"
  issuer    = "https://token.example"
  jwks_url  = "https://token.example/jwks"
  audiences = ["cloud"]
}
resource "yandex_iam_workload_identity_federated_credential" "f" {
  federation_id       = yandex_iam_workload_identity_oidc_federation.f.id
  service_account_id  = yandex_iam_service_account.a.id
  external_subject_id = "repo:team/shop:ref:refs/heads/main"
}
resource "yandex_monitoring_dashboard" "d" {
  name = "shop"
  widgets {
    text { text = "Tasks" }
    position {
      w = 4
      h = 2
    }
  }
}
resource "yandex_ydb_database_serverless" "d" {
  name = "results"
  serverless_database { storage_size_limit = 1 }
}
`;

interface ContainerOptions {
  readonly memory?: number;
  readonly digest?: string;
  /** Further blocks of the resource. */
  readonly inside?: string;
}

function container({ memory = 256, digest = DIGEST, inside = "" }: ContainerOptions): string {
  return `
locals {
  url   = "cr.yandex/${REPOSITORY}@${digest}"
  print = "${memory}-${digest.slice(-4)}"
}
resource "yandex_serverless_container" "web" {
  name               = "web"
  memory             = ${memory}
  execution_timeout  = "60s"
  service_account_id = yandex_iam_service_account.a.id
  image {
    url         = local.url
    environment = { PRINT = local.print }
  }
  ${inside}
  depends_on = [yandex_resourcemanager_folder_iam_member.pull]
}
`;
}

function postcondition(condition: string): string {
  return `
  lifecycle {
    postcondition {
      condition     = ${condition}
      error_message = "The revision did not start."
    }
  }
`;
}

function queues(receiveCount: string): string {
  const access = `
  access_key = yandex_iam_service_account_static_access_key.q.access_key
  secret_key = yandex_iam_service_account_static_access_key.q.secret_key
  depends_on = [yandex_resourcemanager_folder_iam_member.q]`;
  return `${QUEUE_KEY}
resource "yandex_message_queue" "dead" {
  name = "dead"${access}
}
resource "yandex_message_queue" "work" {
  name                       = "work"
  visibility_timeout_seconds = 90
  redrive_policy             = jsonencode({ maxReceiveCount = ${receiveCount}, deadLetterTargetArn = yandex_message_queue.dead.arn })${access}
}
`;
}

function trigger(name: string, batchSize: string): string {
  return `
resource "yandex_function_trigger" "${name}" {
  name = "${name}"
  message_queue {
    queue_id           = yandex_message_queue.work.arn
    service_account_id = yandex_iam_service_account.q.id
    batch_size         = "${batchSize}"
    batch_cutoff       = "1"
  }
  container {
    id                 = yandex_serverless_container.web.id
    service_account_id = yandex_iam_service_account.a.id
    path               = "/worker"
  }
}
`;
}

/** A container whose first revision runs, with these blocks inside and this beside it. */
async function withContainer(inside: string, more = "") {
  const cloud = newCloud();
  push(cloud, DIGEST);
  const app = { "app.tf": container({ inside }), "more.tf": more };
  const dir = newStack({ "base.tf": HEAD + PULLER, ...app });
  const run = await apply(dir, cloud);
  expect(run.output).not.toContain("Warning");
  expect(run.code, run.output).toBe(0);
  return { cloud, dir };
}

async function withCertificate(status: "VALIDATING") {
  const cloud = newCloud();
  changeCloud((it) => {
    const certificate = { name: "shop", folderId: FOLDER_ID, domains: ["shop.example"], status };
    it.certificates.fpq1 = certificate;
  }, cloud);
  return { cloud, dir: newStack({ "main.tf": HEAD + GATEWAY }) };
}

function push(cloud: string, digest: string, repository = REPOSITORY): void {
  changeCloud((it) => {
    it.images.push({ id: digest, repository, digest, tags: [] });
  }, cloud);
}

function breakRevisions(cloud: string, broken: boolean): void {
  changeCloud((it) => {
    it.faults.revisions = broken;
  }, cloud);
}

function setCertificate(
  cloud: string,
  status: "ISSUED" | "RENEWING" | "RENEWAL_FAILED" | "INVALID",
): void {
  changeCloud((it) => {
    for (const certificate of Object.values(it.certificates)) certificate.status = status;
  }, cloud);
}

function activeInputs(cloud: string): unknown {
  const [web] = Object.values(readCloud(cloud).containers);
  return web?.revisions.find(({ status }) => status === "ACTIVE")?.inputs;
}

/** The value of an entry, from the cloud's own copy. */
function secretText(cloud: string, entry: string): string {
  const versions = Object.values(readCloud(cloud).secrets).flatMap((it) =>
    Object.values(it.versions),
  );
  const value = versions.find((it) => entry in it.entries)?.entries[entry];
  if (!value) throw new Error(`No secret holds ${entry}.`);
  return value;
}

async function state(dir: string, cloud: string): Promise<unknown> {
  return JSON.parse((await terraform(dir, cloud, ["show", "-json"])).stdout);
}
