import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changeCloud, readCloud, type StoredLogEntry, type YcProfile } from "./state.ts";
import { installTools } from "./tools.ts";

const QUEUE = "yrn:yc:ymq:ru-central1:b1gfolder:tasks";
const PROFILE: YcProfile = { version: "1.15.0", loggedIn: true, folderId: "b1gfolder" };

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "yc-"));
  installTools(join(dir, "bin"), ["yc"]);
  seed(PROFILE);
});

afterEach(() => rmSync(dir, { recursive: true }));

describe("yc", () => {
  test("makes a queue trigger and prints it as JSON", () => {
    const { status, stdout } = yc(...createQueue("worker"));

    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      id: expect.stringMatching(/^a1s[0-9a-f]{17}$/),
      folder_id: "b1gfolder",
      name: "worker",
      rule: {
        message_queue: {
          queue_id: QUEUE,
          service_account_id: "ajereader",
          batch_settings: { size: "1", cutoff: "1s" },
          invoke_container: {
            container_id: "bbaworker",
            path: "/run",
            service_account_id: "ajeinvoker",
          },
        },
      },
      status: "ACTIVE",
    });
    expect(Object.values(cloud().triggers)).toEqual([JSON.parse(stdout)]);
  });

  test("updates, pauses, lists and deletes a queue trigger", () => {
    yc(...createQueue("worker"));

    yc(..."serverless trigger update message-queue worker --new-batch-size 5".split(" "));
    yc(..."serverless trigger pause --name worker".split(" "));
    const [listed] = JSON.parse(yc(..."serverless trigger list --format json".split(" ")).stdout);
    expect(listed.rule.message_queue.batch_settings).toEqual({ size: "5", cutoff: "1s" });
    expect(listed.rule.message_queue.invoke_container.path).toBe("/run");
    expect(listed.status).toBe("PAUSED");

    yc("serverless", "trigger", "resume", listed.id);
    expect(cloud().triggers[listed.id]?.status).toBe("ACTIVE");

    expect(yc("serverless", "trigger", "delete", listed.id)).toMatchObject({
      status: 0,
      stdout: "",
    });
    expect(cloud().triggers).toEqual({});
  });

  test("makes and updates a timer whose retry flags differ between the two", () => {
    const created = yc(
      ...words("serverless trigger v1 create timer --name nightly --format json"),
      ...words("--cron-expression", "0 3 * * ? *"),
      ...words("--invoke-container-id bbaworker --invoke-container-service-account-id ajeinvoker"),
      ...words("--payload x --retry-attempts 3 --retry-interval 10s"),
    );
    expect(JSON.parse(created.stdout).rule.timer).toEqual({
      cron_expression: "0 3 * * ? *",
      payload: "x",
      invoke_container_with_retry: {
        container_id: "bbaworker",
        service_account_id: "ajeinvoker",
        retry_settings: { retry_attempts: "3", interval: "10s" },
      },
    });

    const update = words("serverless trigger v1 update timer nightly");
    expect(yc(...update, "--new-container-retry-interval", "30s").status).toBe(0);
    expect(yc(...update, "--new-retry-interval", "30s").stderr).toBe(
      "ERROR: unknown flag: --new-retry-interval\n",
    );
  });

  test.each([
    [
      "an unknown command",
      "serverless trigger make",
      'unknown command "make" for "yc serverless trigger"',
    ],
    ["an unknown flag", "serverless trigger list --all", "unknown flag: --all"],
    [
      "a flag without its value",
      "serverless trigger list --limit",
      "flag needs an argument: --limit",
    ],
    [
      "a word for a number",
      "serverless trigger list --limit ten",
      'invalid argument "ten" for "--limit" flag: strconv.ParseInt: parsing "ten": invalid syntax',
    ],
    [
      "a missing flag",
      "serverless trigger create message-queue worker",
      'required flag(s) "queue" not set',
    ],
    [
      "a missing choice",
      `serverless trigger create message-queue worker --queue ${QUEUE}`,
      "one of --queue-service-account-id, --queue-service-account-name is required",
    ],
    [
      "seconds without a unit",
      "serverless trigger create message-queue worker --batch-cutoff 10",
      'time: missing unit in duration "10"',
    ],
    [
      "a flag of create in update",
      "serverless trigger update message-queue worker --batch-size 2",
      "unknown flag: --batch-size",
    ],
    [
      "a name that is not there",
      "serverless trigger get nobody",
      'trigger with name "nobody" not found',
    ],
    [
      "the deletion of a repository",
      "container repository delete x",
      'unknown command "delete" for "yc container repository"',
    ],
  ])("refuses %s", (_, line, message) => {
    expect(yc(...words(line))).toMatchObject({
      status: 1,
      stdout: "",
      stderr: `ERROR: ${message}\n`,
    });
  });

  test.each([
    [
      "a second trigger on a queue",
      createQueue("other"),
      `AlreadyExists desc = Trigger for queue ${QUEUE} already exists`,
    ],
    [
      "a second trigger of a name",
      createQueue("worker"),
      "AlreadyExists desc = Trigger with name worker already exists",
    ],
    [
      "a queue that is not there",
      createQueue("other", { queue: "yrn:x" }),
      "NotFound desc = Queue yrn:x not found",
    ],
    [
      "a container that is not there",
      createQueue("other", { container: "bbagone" }),
      "NotFound desc = Container bbagone not found",
    ],
    [
      "an account that is not there",
      createQueue("other", { reader: "ajegone" }),
      "NotFound desc = Service account ajegone not found",
    ],
    [
      "a FIFO queue",
      createQueue("other", { queue: "a.fifo" }),
      "InvalidArgument desc = FIFO queues are not supported by triggers",
    ],
    ["a bad name", createQueue("Other"), "InvalidArgument desc = Invalid trigger name: 'Other'"],
  ])("refuses %s as the service does", (_, argv, message) => {
    yc(...createQueue("worker"));

    const { status, stderr } = yc(...argv);
    expect(status).toBe(1);
    expect(stderr).toContain(`ERROR: rpc error: code = ${message}\n`);
    expect(Object.keys(cloud().triggers)).toHaveLength(1);
  });

  test("an old one has no versioned trees", () => {
    seed({ ...PROFILE, version: "0.148.0" });

    expect(yc(...words("serverless trigger list")).status).toBe(0);
    expect(yc(...words("serverless trigger v1 list")).stderr).toBe(
      'ERROR: unknown command "v1" for "yc serverless trigger"\n',
    );
  });

  test("a profile can make the second tree the unversioned one", () => {
    seed({ ...PROFILE, serverlessVersion: 2 });
    expect(yc(...createQueue("worker")).stderr).toBe("ERROR: unknown flag: --queue\n");

    const [serverless, trigger, ...rest] = createQueue("worker");
    expect(yc(serverless ?? "", trigger ?? "", "v1", ...rest).status).toBe(0);
    const [listed] = JSON.parse(yc(...words("serverless trigger list --format json")).stdout);
    expect(listed.source.ymq.queue_arn).toBe(QUEUE);
    expect(listed.rule).toBeUndefined();
  });

  test("makes and updates by the second tree what the first one shows too", () => {
    const action = JSON.stringify({
      invoke_container: { container_id: "bbaworker", service_account_id: "ajeinvoker" },
    });
    const made = yc(
      ...words("serverless trigger v2 create message-queue worker --service-account-id ajereader"),
      ...words(`--queue-arn ${QUEUE} --batch-max-count 3 --batch-cutoff 2s --action`, action),
    );
    expect(made).toMatchObject({ status: 0, stderr: "" });
    yc(...words("serverless trigger v2 update message-queue worker --batch-cutoff 1m"));
    expect(json("serverless trigger v1 get worker").rule.message_queue).toMatchObject({
      queue_id: QUEUE,
      batch_settings: { size: "3", cutoff: "60s" },
      invoke_container: { container_id: "bbaworker" },
    });
  });

  test("prints YAML when no format is asked for, and one field with --jq", () => {
    yc(...createQueue("worker"));
    const get = words("serverless trigger get worker");
    expect(yc(...get).stdout).toContain("name: worker\nrule:\n  message_queue:\n    queue_id: yrn");
    expect(yc(...get).stdout).toContain('batch_settings:\n      size: "1"\n      cutoff: "1s"\n');
    expect(yc(...get, "--jq", ".rule.message_queue.queue_id").stdout).toBe(`${QUEUE}\n`);
    expect(JSON.parse(yc(...get, "--format", "json-rest").stdout).folderId).toBe("b1gfolder");
    expect(yc(...get, "--format", "xml").status).toBe(1);
    expect(yc(...get, "--help").stdout).toContain("Usage: yc serverless trigger get");
  });

  test("refuses to work without a login", () => {
    seed(undefined);
    expect(yc(...words("serverless trigger list"))).toMatchObject({
      status: 1,
      stderr: "ERROR: no credentials are set in the profile, run yc init\n",
    });
    expect(yc(...words("serverless trigger list --folder-id b1gfolder --token t1.x")).status).toBe(
      0,
    );
    expect(yc("version").status).toBe(0);
  });

  test("an expired session fails at once when stdin is closed", () => {
    seed({ ...PROFILE, sessionExpired: true });

    const { status, stderr } = yc(...words("serverless trigger list --no-browser"));
    expect(status).toBe(1);
    expect(stderr).toContain("Authentication web site will be opened");
  });

  test("an expired session waits for a key while stdin is open", async () => {
    seed({ ...PROFILE, sessionExpired: true });
    const child = spawn(join(dir, "bin", "yc"), words("serverless trigger list"), { env: env() });
    const exited = new Promise((resolve) => child.once("exit", resolve));

    await new Promise<void>((resolve) => {
      let text = "";
      child.stderr.on("data", (chunk) => {
        text += chunk;
        if (text.includes("Press 'enter'")) resolve();
      });
    });
    expect(child.exitCode).toBeNull();
    child.stdin.write("\n");
    expect(await exited).toBe(1);
  });

  test("knows containers, revisions, gateways, images and payloads", () => {
    expect(json("serverless container get bbaworker")).toMatchObject({
      name: "worker",
      status: "ACTIVE",
    });
    expect(json("serverless container revision list --container-name worker")).toMatchObject([
      { id: "bbarev2", status: "ACTIVE", image: { image_digest: "sha256:2" } },
      { id: "bbarev1", status: "OBSOLETE" },
    ]);
    expect(json("serverless api-gateway get --id d5dgate").domain).toBe(
      "d5dgate.apigw.yandexcloud.net",
    );
    expect(json("container image list --repository-name crpone/app")).toEqual([
      expect.objectContaining({ id: "crpimage", name: "crpone/app", tags: ["latest"] }),
    ]);
    expect(yc(...words("container image delete crpimage")).status).toBe(0);
    expect(cloud().images).toEqual([]);
    expect(yc(...words("lockbox payload get e6qsecret --key password")).stdout).toBe("hunter2\n");
    expect(yc(...words("config get folder-id")).stdout).toBe("b1gfolder\n");
    expect(yc(...words("iam create-token")).stdout).toMatch(/^t1\./);
    expect(json("iam whoami")).toMatchObject({ id: "ajeuser0000000000001" });
    expect(json("resource-manager folder get b1gfolder").cloud_id).toBe("b1gcloud");
    expect(yc(...words("resource-manager folder get missing")).stderr).toContain("code = NotFound");
  });

  test("writes down every call", () => {
    yc("serverless", "trigger", "list", "--limit", "two words");

    expect(cloud().log.at(-1)).toBe('yc serverless trigger list --limit "two words"');
  });
});

function createQueue(
  name: string,
  { queue = QUEUE, container = "bbaworker", reader = "ajereader" } = {},
): string[] {
  return [
    ...words("serverless trigger create message-queue --format json --name"),
    name,
    ...words(`--queue ${queue} --queue-service-account-id ${reader}`),
    ...words(`--batch-size 1 --batch-cutoff 1s --invoke-container-id ${container}`),
    ...words("--invoke-container-path /run --invoke-container-service-account-id ajeinvoker"),
  ];
}

/** A line cut at its blanks, and further words as they are. */
function words(line: string, ...more: string[]): string[] {
  return [...line.split(" "), ...more];
}

function yc(...argv: string[]) {
  const options = { env: env(), encoding: "utf8", input: "", maxBuffer: 2 ** 24 } as const;
  return spawnSync(join(dir, "bin", "yc"), argv, options);
}

function json(line: string) {
  return JSON.parse(yc(...words(line), "--format", "json").stdout);
}

describe("yc logging read", () => {
  const HOUR_MS = 3_600_000;
  const start = Date.now() - 3 * HOUR_MS;
  const time = (after: number) => new Date(start + after).toISOString();

  function line(uid: string, after: number, fields: Partial<StoredLogEntry> = {}): StoredLogEntry {
    const resource = { type: "serverless.container", id: "bbaweb" };
    return { uid, resource, timestamp: time(after), saved_at: time(after), ...fields };
  }

  function store(...lines: StoredLogEntry[]): void {
    changeCloud((cloud) => {
      cloud.others.yandex_logging_group = { e23group: { name: "shop-logs" } };
      cloud.logs = { e23group: lines };
    }, dir);
  }

  function read(...flags: string[]): string[] {
    const result = yc("logging", "read", "--group-id", "e23group", "--format", "json", ...flags);
    expect(result.stderr).toBe("");
    return (JSON.parse(result.stdout) as StoredLogEntry[]).map(({ uid }) => uid).toSorted();
  }

  const all = ["--since", time(0), "--until", time(2 * HOUR_MS)];

  test("gives the last hour, an hour from one end, or the time between two", () => {
    store(line("a", 0), line("b", 1.5 * HOUR_MS), line("c", 2.5 * HOUR_MS));

    expect(read()).toEqual(["c"]);
    expect(read("--since", time(HOUR_MS))).toEqual(["b"]);
    expect(read("--until", time(HOUR_MS / 2))).toEqual(["a"]);
    expect(read("--since", "4h", "--until", "1m ago")).toEqual(["a", "b", "c"]);
  });

  test("a line is there once it was saved", () => {
    store(line("a", 0, { saved_at: new Date(Date.now() + HOUR_MS).toISOString() }), line("b", 1));

    expect(read(...all)).toEqual(["b"]);
  });

  test("looks for levels, resources, streams and fields", () => {
    store(
      line("a", 1, { level: "INFO", stream_name: "s", json_payload: { task_id: 'x"y' } }),
      line("b", 2, { level: "WARN", resource: { type: "serverless.apigateway", id: "d5d" } }),
      line("c", 3),
    );

    expect(read(...all, "--levels", "WARN,ERROR")).toEqual(["b"]);
    expect(read(...all, "--resource-ids", "bbaweb,x")).toEqual(["a", "c"]);
    expect(read(...all, "--resource-types", "serverless.apigateway")).toEqual(["b"]);
    expect(read(...all, "--stream-names", "s")).toEqual(["a"]);
    expect(read(...all, "--filter", 'json_payload.task_id = "x\\"y"')).toEqual(["a"]);
  });

  test("gives the latest of too many, in another order each time", () => {
    store(line("a", 1), line("b", 2), line("c", 3));
    const uids = () => {
      const { stdout } = yc(...words("logging read shop-logs --format json --limit 2"), ...all);
      return (JSON.parse(stdout) as StoredLogEntry[]).map(({ uid }) => uid).join("");
    };

    expect([uids(), uids()].toSorted()).toEqual(["bc", "cb"]);
  });

  test("cuts an answer at 3.5 MiB", () => {
    const message = "x".repeat(60_000);
    store(...Array.from({ length: 80 }, (_, at) => line(`u${at}`, at, { message })));

    expect(read(...all, "--limit", "1000")).toHaveLength(61);
  });

  test.each([
    [["--group-id", "e23other"], "code = NotFound desc = Log group e23other not found"],
    [["--group-id", "e23group", "--limit", "1001"], "Value must be in range 1-1000"],
    [["--group-id", "e23group", "--filter", "x".repeat(1001)], "Must be shorter than 1000"],
    [["--group-id", "e23group", "--filter", "json_payload.a = b"], "filter: syntax error"],
    [["--group-id", "e23group", "--since", "yesterday"], 'time: invalid duration "yesterday"'],
    [["--group-id", "e23group", "--since", "2h", "--follow"], "--follow cannot be used with"],
    [["--group-id", "e23group", "--levels", "LOUD"], 'unknown level "LOUD"'],
    [["--group-id", "e23group", "--page-token", "x"], "unknown flag: --page-token"],
  ])("%j is refused", (flags, message) => {
    store();

    expect(yc("logging", "read", ...flags).stderr).toContain(message);
  });

  test("fails as a test wants it", () => {
    store();
    const failing = (logging: "denied" | number) => {
      changeCloud(({ faults }) => {
        faults.logging = logging;
      }, dir);
      return [yc("logging", "read", "e23group"), yc("logging", "read", "e23group")].map(
        ({ stderr }) => /code = (\w+)/.exec(stderr)?.[1],
      );
    };

    expect(failing("denied")).toEqual(["PermissionDenied", "PermissionDenied"]);
    expect(failing(1)).toEqual(["Unavailable", undefined]);
  });
});

function env() {
  return { PATH: process.env.PATH, CLOUD_DIR: dir };
}

function cloud() {
  return readCloud(dir);
}

function seed(profile: YcProfile | undefined): void {
  changeCloud((cloud) => {
    if (profile) cloud.yc = profile;
    else delete cloud.yc;
    const folderId = "b1gfolder";
    cloud.accounts = {
      ajereader: { name: "reader", folderId },
      ajeinvoker: { name: "invoker", folderId },
    };
    cloud.queues = {
      "http://127.0.0.1/message-queue/q": {
        name: "tasks",
        arn: QUEUE,
        folderId,
        attributes: {},
      },
    };
    const revision = { image: "cr.yandex/crpone/app", environment: {}, inputs: {} };
    cloud.containers = {
      bbaworker: {
        name: "worker",
        folderId,
        url: "https://bbaworker.containers.yandexcloud.net/",
        revisions: [
          { id: "bbarev1", status: "OBSOLETE", digest: "sha256:1", ...revision },
          { id: "bbarev2", status: "ACTIVE", digest: "sha256:2", ...revision },
          { id: "bbarev3", status: "ERROR", digest: "sha256:3", ...revision },
        ],
      },
    };
    cloud.gateways = {
      d5dgate: {
        name: "site",
        folderId,
        domain: "d5dgate.apigw.yandexcloud.net",
        spec: "",
        domains: [],
      },
    };
    cloud.images = [
      { id: "crpimage", repository: "crpone/app", digest: "sha256:2", tags: ["latest"] },
    ];
    cloud.secrets = {
      e6qsecret: {
        name: "s",
        versions: { e6qv: { status: "ACTIVE", entries: { password: "hunter2" } } },
      },
    };
  }, dir);
}
