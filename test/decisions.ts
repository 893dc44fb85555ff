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
  ...held("packages/task-history/_history.ts", "test/console/hour.test.ts", [
    ["what a task does is found out again after each fact", "this.knownSituation = undefined;", ""],
  ]),
  ...held("packages/console/hour.ts", "test/console/hour.test.ts", [
    ["one that ends as another begins is not beside it", "end <= at;", "end < at;"],
  ]),
  ...construct("postgres-cluster", [
    [
      "containers alone reach the database",
      "v4CidrBlocks: [CONTAINERS],",
      'v4CidrBlocks: ["0.0.0.0/0"],',
    ],
    ["the service makes the password", "generatePassword: true,", 'password: "x",'],
    [
      "an import does not change the password",
      'lifecycle: { ignoreChanges: ["generate_password"] },',
      "",
    ],
  ]),
  ...construct("release-step", [
    ["a new revision releases again", "[fingerprint, ...words]", "[...words]"],
    ["the caller may call by then", "container.invokersPrecede(this.resource);", ""],
    ["a new image serves after its release", "container.follows(this.resource);", ""],
  ]),
  ...construct("manage-container", [
    ["commands are run, not served", 'runtime: "task",', ""],
    ["one may run commands", "this.grantInvokeTo(caller);", ""],
  ]),
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
  ...construct("bucket", [
    [
      "containers may not give others rights on a bucket",
      'const EDITOR = "storage.editor";',
      'const EDITOR = "storage.admin";',
    ],
    [
      "the right on a bucket is waited for",
      "account.addGrant(editors.binding, () => [this.name, EDITOR, ...editors.list()]);",
      "",
    ],
  ]),
  ...held("packages/local-cloud/storage/_refusal.ts", "test/local-cloud/storage/server.test.ts", [
    ["a local bucket is private", 'if (!isSigned && method !== "OPTIONS"', "if (!path"],
    ["a local bucket answers no other site's pages", "if (foreign !== undefined)", "if (!path)"],
    [
      "a key leads out of no bucket",
      "if (/(\\/|%2f)(\\.|%2e){2}(\\/|%2f|$)/i.test(path))",
      "if (!path)",
    ],
    ["nobody but the stack changes buckets", '(method === "PUT" || method === "DELETE")', "!path"],
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
      'props.queueKey === "environment" ? undefined : this.defineQueueKey()',
      "this.defineQueueKey()",
    ],
    [
      "one account for one purpose",
      "        invoker,\n        batchSize,",
      "        invoker: reader,\n        batchSize,",
    ],
    [
      "static files are there before a page names them",
      'this.defineStep("Static", staticFiles, container);',
      "",
    ],
    ["what fills the bucket may", "}).grantReadWrite(this.account);", "});"],
    [
      "a queue's own worker has its messages",
      "container ? { container } : this.target",
      "this.target",
    ],
    [
      "no queue's worker has a new image before the release step",
      ", ...Object.values(this.workers)]",
      "]",
    ],
  ]),
  ...held(
    "packages/local-cloud/trigger/_queue-poller.ts",
    "test/local-cloud/trigger/queue-triggers.test.ts",
    [["queues that share a container wait in turn", "if (!hasRoom) full.abort();", "return true;"]],
  ),
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
    ["production's database is protected", 'return stage === "production";', "return false;"],
    [
      "a database is migrated",
      'config.release ?? (postgres && "migrate --noinput")',
      "config.release",
    ],
    [
      "no stage removes another's static files",
      'rejectShared(all, "staticBucket", ({ staticBucket }) => staticBucket);',
      "",
    ],
    ["nothing private is where everybody reads", "  rejectPublic(all);\n", ""],
    [
      "static files bring the container of commands",
      "release || postgres || staticBucket",
      "release || postgres",
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
      "known?.digest ?? (await buildImage(options, await tagsOf(options, tag)))",
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
  ...script(
    "queue/stage-queues",
    [["dead letters of every queue count", ", ...queues.further }", " }"]],
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
  ...script("queue/client", [
    ["what may have been sent is not sent again", "(!certain || error.refused)", "true"],
    ["nothing is tried again once the run is to stop", "|| this.stop?.aborted", ""],
  ]),
  ...script("queue/redrive", [
    ["what was not taken is not deleted", "(_, place) => !refused.has(place)", "() => true"],
    ["what is sent is deleted", "await client.delete(from.deadLetterUrl, sent);", ";"],
  ]),
  ...script("queue/letters", [
    [
      "letters are given back",
      "await giveBack(reader, url, [...held.values()], hold);",
      "void giveBack;",
    ],
    ["what dies meanwhile is left", "seen.size < wanted && ", ""],
    ["what is held is held long enough", " + wanted * HOLD_SECONDS_EACH", ""],
  ]),
  ...script("tasks/stage-tasks", [
    [
      "a task that is over is no reason to receive dead letters",
      'state === undefined || state === "hidden"',
      "true",
    ],
  ]),
  ...script(
    "open/stage-letters",
    [
      ["another number of dead letters is looked at", "last.counts === String(counts) && ", ""],
      ["what was looked at is not received again at once", "if (isGood) return last.look;", ""],
    ],
    "open/stage-source",
  ),
  ...script(
    "open/stage-actions",
    [
      [
        "arguments that are cut or hidden are not sent",
        "if (UNREADABLE.test(args + kwargs)) return undefined;",
        "",
      ],
    ],
    "open/stage-source",
  ),
  ...script("queue/drain", [
    ["counts are approximate", "now - calmSince >= CALM_MS", "true"],
    ["the triggers are paused", 'action: "pause"', 'action: "resume"'],
  ]),
  ...script("queue/saved", [["saved letters are for their owner", ', "wx", 0o600', ', "wx"']]),
  ...script("queue/list", [
    ["errors are asked for once", "if (this.problem) return undefined;", ""],
  ]),
  ...script("manage/invocation", [
    ["a command may take an hour", ", patient: true", ""],
    ["only a right that is new is waited for", "!isNew || ", ""],
    ["a command without an exit code has not succeeded", "!Number.isNaN(exitCode)", "true"],
    ["a lost connection is no end", "!UNSENT.test(codeOf(error))", "false"],
  ]),
  ...script("manage/manage", [
    [
      "nobody is asked before a command is refused",
      "  refuseInteractive(words);\n  const terraform",
      "  const terraform",
    ],
    ["an apply reads no state", "return url ? release(system, url) : ", "return "],
  ]),
  ...script("cloud/caller", [
    [
      "a key of Terraform's calls no container",
      "if (given) return given;",
      'if (given ?? system.env.YC_SERVICE_ACCOUNT_KEY_FILE) return "serviceAccount:x";',
    ],
  ]),
  ...held(
    "packages/local-cloud/containers/containers.ts",
    "test/local-cloud/containers/release.test.ts",
    [
      [
        "the release's command comes before the containers",
        "    await this.runReleases(madeFor);\n",
        "",
      ],
    ],
  ),
  ...held(
    "packages/local-cloud/stack/_containers.ts",
    "test/local-cloud/stack/read-stack.test.ts",
    [
      [
        "a container of commands does not serve",
        "bodies.filter((body) => !isTask(body))",
        "bodies",
      ],
    ],
  ),
  ...script("destroy", [
    ["a protected database stops a destroy", "if (problems.length === 0) return;", "return;"],
  ]),
];
