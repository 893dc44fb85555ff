/** A decision that is not a refusal, and a change of the source that would undo it. */
export interface Decision {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The tests that must go red. */
  readonly tests: readonly string[];
}

type Undo = readonly [name: string, find: string, replace: string];

/** Decisions of one source file, held by the tests of one file. */
function held(file: string, test: string, undone: readonly Undo[]): Decision[] {
  return undone.map(([name, find, replace]) => ({ name, file, find, replace, tests: [test] }));
}

const construct = (name: string, undone: readonly Undo[], test = name): Decision[] =>
  held(`constructs/${name}.ts`, `test/constructs/${test}.test.ts`, undone);

const script = (name: string, undone: readonly Undo[], test = name): Decision[] =>
  held(`scripts/lib/${name}.ts`, `test/scripts/${test}.test.ts`, undone);

export const DECISIONS: readonly Decision[] = [
  ...construct("serverless-container", [
    [
      "a first revision that fails, fails the apply",
      "provisioners: [failWithoutRevision(this.name)],",
      "",
    ],
    [
      "a later revision that fails, fails the apply",
      "lifecycle: { postcondition: [failOnOldRevision(this.name, this.fingerprint)] },",
      "",
    ],
    [
      "the fingerprint covers memory and time",
      "      ...renderInstance(this.props),\n      image,",
      "image,",
    ],
    [
      "the fingerprint covers the environment",
      "environment: this.renderEnv(),\n      secrets,",
      "secrets,",
    ],
    ["the fingerprint covers secrets", "      secrets,\n      account", "account"],
    ["a variable that looks like a template is none", "[key, literal(value)]", "[key, value]"],
    [
      "a command that looks like a template is none",
      "this.command = props.command?.map(literal);",
      "this.command = props.command;",
    ],
    ["a container's callers may call no other", "containerId: this.id,", 'containerId: "other",'],
    [
      "a recreated container is waited for again",
      "replaceTriggeredBy: [`${dependable(this.resource)}.id`]",
      "replaceTriggeredBy: []",
    ],
    ["a container waits for its account's rights", "account.precedes(resource);", ""],
    ["whoever gets a secret may read it", "value.grantRead(this.props.account);", ""],
  ]),
  ...construct(
    "_grants",
    [
      ["rights take time", "provisioners: [SLEEP],", ""],
      [
        "a new right is waited for",
        "return { triggers_replace: this.rights() };",
        "this.rights();\n    return {};",
      ],
      ["the wait comes after every right", "    dependOn(this.wait, grant);", ""],
      ["an older stack's rights are not granted again", '{ ignoreChanges: ["sleep_after"] }', "{}"],
    ],
    "service-account",
  ),
  ...construct("secret", [
    [
      "rights on secrets are waited for",
      "account.addGrant(grant, () => [this.secretId, READER_ROLE, account.member]);",
      "",
    ],
  ]),
  ...construct("container-registry", [
    ["an image of another registry can be pulled", "if (image === undefined) return;", "return;"],
    ["tagged images go by number only", "retainedTop: keepNewest,", 'expirePeriod: "24h0m0s",'],
    ["the registry's images go before it", "if (props.purgeCommand) ", "if (false) "],
  ]),
  ...construct("message-queue", [
    [
      "dead letters by default",
      "if (props.deadLetters === false) return undefined;",
      "if (!props.deadLetters) return undefined;",
    ],
    [
      "messages stay hidden for as long as the consumer may take",
      "props.visibilityTimeoutSeconds ?? neededVisibility(this.consumers[0])",
      "props.visibilityTimeoutSeconds as number",
    ],
    ["queues wait for their key's rights", "props.key?.precedes(resource);", ""],
  ]),
  ...construct("queue-trigger", [
    ["one message to a request", "props.batchSize ?? 1", "props.batchSize ?? 10"],
    ["a second to gather", "props.batchCutoffSeconds ?? 1", "props.batchCutoffSeconds ?? 10"],
    ["a trigger waits for its accounts' rights", "reader.precedes(trigger);", ""],
    ["a trigger waits for the right to call", "container.invokersPrecede(trigger);", ""],
    [
      "the script makes triggers by default",
      'props.trigger ?? "yc"',
      'props.trigger ?? "terraform"',
    ],
  ]),
  ...construct("ydb-database", [
    [
      "one role, given by the user",
      "databaseId: this.id,\n        role,",
      'databaseId: this.id,\n        role: "editor",',
    ],
  ]),
  ...construct(
    "api-gateway",
    [
      [
        "the gateway is never made with a domain",
        "Op.and(when, Op.neq(this.creationTime(), Fn.plantimestamp()))",
        "when",
      ],
    ],
    "domain",
  ),
  ...construct("api-gateway", [
    ["the gateway waits for its account's rights", "props.account.precedes(this.resource);", ""],
  ]),
  ...construct(
    "_gateway-spec",
    [
      [
        "the specification's own variables survive Terraform",
        "return literal(JSON.stringify(spec));",
        "return JSON.stringify(spec);",
      ],
      [
        "what the user's document names, stays",
        "{ ...integration, ...missing(integration, defaults) }",
        "{ ...integration, ...defaults }",
      ],
    ],
    "api-gateway",
  ),
  ...construct("domain", [
    [
      "a renewal leaves the domain attached",
      '["ISSUED", "RENEWING", "RENEWAL_FAILED"]',
      '["ISSUED"]',
    ],
    [
      "no plan waits for a certificate",
      '"Certificate", { name });',
      '"Certificate", { name, waitValidation: true });',
    ],
    ["a challenge is passed once", '"DNS_CNAME"', '"DNS_TXT"'],
    [
      "the top of a zone takes an ANAME",
      'dns.zone === fqdn ? "ANAME"',
      'dns.zone === fqdn ? "CNAME"',
    ],
  ]),
  ...construct("celery-app", [
    ["the worker path is fenced", "if (workerPath) gateway.addNotFound(workerPath);", ""],
    [
      "the key for queues is the configuration's choice",
      'queueKey === "stack" ? this.defineQueueKey() : undefined',
      "this.defineQueueKey()",
    ],
    [
      "one account for one purpose",
      "      invoker,\n      batchSize",
      "      invoker: reader,\n      batchSize",
    ],
  ]),
  ...construct(
    "celery-environment",
    [
      ["Django answers to the gateway's hosts", "[...hosts, GATEWAY_HOSTS]", "[...hosts]"],
      [
        "the broker's address has no key in it",
        "`sqs://${new URL(QUEUE_ENDPOINT).host}:443`",
        "`sqs://key:secret@${new URL(QUEUE_ENDPOINT).host}:443`",
      ],
    ],
    "celery-app",
  ),
  ...held("stacks/settings.ts", "test/stacks/settings.test.ts", [
    [
      "production's database is protected",
      'deletionProtection: stage === "production",',
      "deletionProtection: false,",
    ],
    ["stages are stack ids", "stage === undefined ? kind : `${kind}-${stage}`", "kind"],
  ]),
  ...script("terraform/environment", [
    [
      "AWS_CA_BUNDLE does not reach the provider",
      "const { AWS_CA_BUNDLE: _, ...rest } = env;",
      "const rest = env;",
    ],
  ]),
  ...script(
    "image/docker",
    [
      ["one manifest, no index", '"--provenance=false",', ""],
      ["the project's image is built by its own Dockerfile", "image.dockerfile)", '"Dockerfile")'],
      ["images are for linux/amd64", "platform=linux/amd64", "platform=linux/arm64"],
    ],
    "image/image",
  ),
  ...script("image/image", [
    ["a digest that the registry no longer has is refused", "await requireImage(api, given);", ""],
    [
      "unchanged sources are not built again",
      "known?.digest ?? (await buildImage(options, tag))",
      "await buildImage(options, tag)",
    ],
  ]),
  ...script("triggers/client", [
    ["a pipeline's token goes to the API, not to yc", "return access.given\n", "return false\n"],
    [
      "a profile for the new command tree breaks nothing",
      '["serverless", "trigger", "v1"];',
      '["serverless", "trigger"];',
    ],
    ["an old CLI works", 'this.tree = ["serverless", "trigger"];', ""],
  ]),
  ...script(
    "verify/revision",
    [
      [
        "verify compares fingerprints",
        "active.image.environment.REVISION_FINGERPRINT !== wanted.fingerprint",
        "false",
      ],
      ["verify compares digests", "active.image.imageDigest !== digest", "false"],
    ],
    "verify/verify",
  ),
  ...script("cloud/results-table", [
    ["the table is paid by request", '    BillingMode: "PAY_PER_REQUEST",\n', ""],
  ]),
  ...script("cloud/access", [["yc opens no browser", '[...args, "--no-browser"]', "args"]]),
  ...script(
    "terraform/state-lock",
    [
      [
        "a bucket that cannot lock is refused",
        "if (second.status === 412 || second.status === 409) return;",
        "return;",
      ],
    ],
    "deploy/preflight",
  ),
  ...script("destroy", [
    ["a protected database stops a destroy", "if (!isProtected) return;", "return;"],
  ]),
];
