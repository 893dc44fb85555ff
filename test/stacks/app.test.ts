import { App, type TerraformStack, Testing } from "cdktf";
import { describe, expect, test } from "vitest";
import { AppStack } from "../../stacks/app.ts";
import type { Config } from "../../stacks/config-schema.ts";
import { DataStack } from "../../stacks/data.ts";
import { DomainStack } from "../../stacks/domain.ts";
import { RegistryStack } from "../../stacks/registry.ts";
import { hasData, resolveSettings } from "../../stacks/settings.ts";
import type { SynthesizedStack } from "../support/synth.ts";

const CONFIG: Config = {
  project: "shop",
  celeryApp: "shop.celery:app",
  env: { DJANGO_SETTINGS_MODULE: "shop.settings" },
  secrets: { SENTRY_DSN: { secretId: "e6q00000000000000001", key: "dsn" } },
  domain: {
    fqdn: "shop.example.com",
    dns: { zoneId: "dns00000000000000001", zone: "example.com" },
  },
};

const { registry, domain, app } = synthesize();
/** With every part that a project need not have. */
const whole = synthesize({ postgres: {} });
const queues = { heavy: { worker: { memoryMib: 4096, timeoutSeconds: 3600 } }, "low-prio": {} };
const { app: withQueues } = synthesize({ queues });

describe.each([
  ["registry", registry],
  ["domain", domain],
  ["app", app],
  ["data, where there is one", whole.data],
  ["app with all its parts", whole.app],
])("stack %s", (_, stack) => {
  test("is what it was, as a whole", () => {
    expect(stack).toMatchSnapshot();
  });
});

describe("stack app with further queues", () => {
  test("has in addition, as a whole", () => {
    expect(additions(app.resource ?? {}, withQueues.resource ?? {})).toMatchSnapshot();
    expect(additions(app.output ?? {}, withQueues.output ?? {})).toMatchSnapshot();
  });
});

describe("the stacks together", () => {
  // What each kind of resource is there for. One that is not needed is one that can fail.
  const INVENTORY: Record<string, string> = {
    terraform_data:
      "waits until rights are honoured; empties the registry before it goes; notes when the gateway was made; migrates between two images",
    yandex_api_gateway: "the only way in from the internet",
    yandex_cm_certificate: "the domain's certificate, which renews itself",
    yandex_container_registry: "holds the images",
    yandex_container_registry_iam_binding: "lets the containers pull from their own registry",
    yandex_container_repository:
      "one for each stage, so that stages do not eat each other's images",
    yandex_container_repository_lifecycle_policy: "old images are paid for",
    yandex_dns_recordset: "proves that the domain is ours, and leads to the gateway",
    yandex_function_trigger: "hands messages to the worker, where Terraform is to make it",
    yandex_iam_service_account: "one for each purpose, with the least roles",
    yandex_iam_service_account_static_access_key: "queues and the Document API take no other login",
    yandex_lockbox_secret: "where secrets lie",
    yandex_lockbox_secret_iam_member: "lets the containers read their secrets, and no others",
    yandex_lockbox_secret_version: "makes Django's secret key, whose value Terraform never sees",
    yandex_logging_group: "what the containers print, kept for as long as configured",
    yandex_mdb_postgresql_cluster: "the relational database",
    yandex_mdb_postgresql_database: "what Django's tables are in",
    yandex_mdb_postgresql_user: "whom the containers connect as, with a password of the service's",
    yandex_message_queue: "the tasks, and the ones that failed for good",
    yandex_resourcemanager_folder_iam_member: "roles that can be given on a folder only",
    yandex_serverless_container: "the site, the worker, and commands of manage.py",
    yandex_serverless_container_iam_binding:
      "the gateway calls the site, the trigger the worker, whoever deploys the commands",
    yandex_vpc_network: "the database is reached from inside only",
    yandex_vpc_security_group: "admits containers to the database, and nobody else",
    yandex_vpc_subnet: "containers need one in every zone",
    yandex_ydb_database_iam_binding: "lets the containers use this database, and no other",
    yandex_ydb_database_serverless: "the results",
  };

  test("hold no kind of resource without a reason", () => {
    const timers = synthesize({ trigger: "terraform" }).app;
    const stacks = [registry, domain, app, timers, withQueues, whole.data, whole.app];
    const types = stacks.flatMap(({ resource = {} }) => Object.keys(resource));

    expect([...new Set(types)].sort()).toEqual(Object.keys(INVENTORY));
  });
});

describe.each([
  ["app", app],
  ["app with further queues", withQueues],
])("what a local stand-in for the cloud reads of stack %s", (_, app) => {
  const READ_RESOURCES = [
    "yandex_message_queue",
    "yandex_serverless_container",
    "yandex_api_gateway",
    "yandex_ydb_database_serverless",
  ];
  // Not read: how Terraform goes about it, and the domain, which a local site does not have.
  const NOT_READ = /\.(lifecycle|provisioner|dynamic)\b|^output\.(domain|url)\./;
  const FINGERPRINT = /^\$\{sha256\(jsonencode\(local\.[\w-]+_revision\)\)\}$/;

  const read = [app, whole.app].flatMap(({ resource, output }) =>
    READ_RESOURCES.flatMap((type) => expressions(resource?.[type] ?? {}, type)).concat(
      expressions(output ?? {}, "output"),
    ),
  );

  test("is found at all", () => {
    expect(read.length).toBeGreaterThan(40);
  });

  test("holds literals, references and jsonencode, and the one known fingerprint", () => {
    const strange = read
      .filter(({ path }) => !NOT_READ.test(path))
      .filter(({ text }) => !isPlain(text))
      .filter(({ text }) => !FINGERPRINT.test(text));

    expect(strange).toEqual([]);
  });
});

interface Expression {
  readonly path: string;
  readonly text: string;
}

/** All `${…}` below a value. */
function expressions(value: unknown, path: string): Expression[] {
  if (typeof value === "string") return templates(value).map((text) => ({ path, text }));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value)
    .filter(([key]) => key !== "//")
    .flatMap(([key, inner]) => expressions(inner, `${path}.${key}`));
}

function templates(text: string): string[] {
  const found: string[] = [];
  for (let start = text.indexOf("${"); start !== -1; start = text.indexOf("${", start + 1)) {
    if (text[start - 1] !== "$") found.push(text.slice(start, endOf(text, start)));
  }
  return found;
}

function endOf(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index += 1) {
    if (text[index] === "{") depth += 1;
    if (text[index] === "}") depth -= 1;
    if (text[index] === "}" && depth === 0) return index + 1;
  }
  return text.length;
}

function isPlain(expression: string): boolean {
  const inner = expression.slice(2, -1);
  const reference = /(data\.)?yandex_\w+\.[\w-]+(\.\w+|\[\d+\])+/;
  const value = new RegExp(`("[^"$]*"|\\d+|true|false|${reference.source})`);
  const entry = new RegExp(`"[\\w-]+" = ${value.source}`);
  const encoded = new RegExp(`^jsonencode\\(\\{${entry.source}(, ${entry.source})*\\}\\)$`);
  return (
    /^var\.(image|caller)$/.test(inner) ||
    new RegExp(`^${reference.source}$`).test(inner) ||
    encoded.test(inner)
  );
}

/** What a value holds that another one does not, or has otherwise. */
function additions(before: unknown, after: unknown): unknown {
  if (!isRecord(before) || !isRecord(after)) return after;
  const changed = Object.entries(after).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]),
  );
  return Object.fromEntries(changed.map(([key, value]) => [key, additions(before[key], value)]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function synthesize(
  more: Partial<Config> = {},
): Record<"registry" | "domain" | "data" | "app", SynthesizedStack> {
  const settings = resolveSettings({ ...CONFIG, ...more });
  const scope = new App({ outdir: "cdktf.out" });
  if (!settings.domain) throw new Error("the stacks of this test have a domain");
  return {
    registry: parse(new RegistryStack(scope, settings)),
    domain: parse(new DomainStack(scope, settings, settings.domain)),
    data: hasData(settings) ? parse(new DataStack(scope, settings)) : { terraform: {} },
    app: parse(new AppStack(scope, settings)),
  };
}

// Without the notes of the framework, which name its version.
function parse(stack: TerraformStack): SynthesizedStack {
  return JSON.parse(Testing.synth(stack), (key, value) => (key === "//" ? undefined : value));
}
