import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform, terraformBinary } from "../cloud/terraform.ts";
import { type Answer, newProject, type Project } from "../support/project.ts";

const DOCUMENT = `openapi: "3.0.3"
info: { title: Shop, version: "1.0" }
paths:
  /:
    get: { responses: { "200": { description: The site } } }
  /ping:
    get:
      x-yc-apigateway-integration:
        type: dummy
        http_code: 200
        content: { "*": pong }
`;

describeTerraform("the layouts that config.ts can choose", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject(`workerPath: "/worker/",`);
  });
  afterAll(() => project.close());

  const containers = () => Object.values(project.cloud().containers).map(({ name }) => name);
  const visit = async (path: string) => {
    const [gateway] = Object.values(project.cloud().gateways);
    const site = project.env.YC_GATEWAY_URL?.replace("{domain}", String(gateway?.domain));
    const response = await fetch(`${site}${path.slice(1)}`);
    return [response.status, await response.text()];
  };

  test("one container that is site and worker: its trigger calls the worker's path", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(0);
    expect(containers()).toEqual(["shop-web"]);
    const [webId] = Object.keys(project.cloud().containers);
    expect(Object.values(project.cloud().triggers)).toMatchObject([
      { rule: { message_queue: { invoke_container: { container_id: webId, path: "/worker/" } } } },
    ]);
  });

  test.each([
    ["/", 200],
    ["/orders/1", 200],
    ["/workers", 200],
    ["/worker", 404],
    ["/worker/", 404],
    ["/worker/anything", 404],
  ])("and its gateway answers %s with %i", async (path, status) => {
    expect(await visit(path)).toEqual([
      status,
      status === 404 ? "Not Found" : expect.stringContaining("Container shop-web"),
    ]);
  });

  test("two containers and the user's own OpenAPI file", async () => {
    project.configure(`openapi: "openapi.yaml",`);
    project.write("openapi.yaml", DOCUMENT);

    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(0);
    expect(containers().sort()).toEqual(["shop-web", "shop-worker"]);
    expect(await visit("/")).toEqual([200, expect.stringContaining("Container shop-web")]);
    expect(await visit("/ping")).toEqual([200, "pong"]);
    expect((await visit("/other"))[0]).toBe(404);
  });

  test("a broken OpenAPI file is refused with file, place and fix, and nothing changes", async () => {
    project.write("openapi.yaml", DOCUMENT.replace("type: dummy", "type: dumy"));
    const before = project.cloud().gateways;

    const synth = await project.npm("synth");
    const deploy = await project.npm("deploy");

    const refusal =
      "'openapi.yaml:9 #/paths/~1ping/get/x-yc-apigateway-integration/type' is \"dumy\"";
    expect(synth.output).toContain(refusal);
    expect(synth.output).toContain("Correct the type, or leave the integration out");
    expect(synth.code).toBe(1);
    expect(deploy.output).toContain(refusal);
    expect(deploy.code).toBe(1);
    expect(project.cloud().gateways).toEqual(before);
  });
});

describeTerraform("the environment of the commands", () => {
  const TOFU = { TERRAFORM_BINARY_NAME: "tofu" };
  const COMMANDS = ["plan", "deploy", "verify", "destroy"] as const;
  let project: Project;
  let answers: Record<string, Answer>;

  beforeAll(async () => {
    project = await newProject();
    // Asked for its version it starts no provider, so its environment does not matter.
    addTool(
      "tofu",
      `[ "$1" = version ] || env >> ${project.dir}/tofu.env; exec ${pathOf(terraformBinary())} "$@"`,
    );
    addTool("terraform", `touch ${project.dir}/terraform.called; exit 1`);
    answers = {};
    for (const command of COMMANDS) answers[command] = await withOpenInput(command);
  });
  afterAll(() => project.close());

  const addTool = (name: string, body: string) => {
    project.write(`.tools/${name}`, `#!/bin/sh\n${body}\n`);
    chmodSync(join(project.dir, ".tools", name), 0o755);
  };
  // An input that neither ends nor says anything: whoever waits for an answer waits for ever.
  const withOpenInput = (command: string) =>
    project.run(
      "sh",
      ["-c", `mkfifo in-${command}; exec 3<>in-${command}; npm run --silent ${command} <&3`],
      {
        ...TOFU,
        TF_CLI_ARGS_apply: "-parallelism=7",
        AWS_CA_BUNDLE: "/planted/bundle.pem",
        HTTPS_PROXY: "http://127.0.0.1:1",
      },
    );
  const seen = () => readFileSync(join(project.dir, "tofu.env"), "utf8");

  test("names another terraform, and no other is called", () => {
    expect(answers.deploy).toMatchObject({ code: 0 });
    expect(answers.verify).toMatchObject({ code: 0 });
    expect(() => readFileSync(join(project.dir, "terraform.called"))).toThrow("ENOENT");
  });

  test("reaches it, but for AWS_CA_BUNDLE, which breaks the provider", () => {
    expect(seen()).toContain("TF_CLI_ARGS_apply=-parallelism=7\n");
    expect(seen()).toContain("HTTPS_PROXY=http://127.0.0.1:1\n");
    expect(seen()).not.toContain("AWS_CA_BUNDLE");
  });

  test("holds arguments of terraform's, which are its own business", async () => {
    const deploy = await project.npm("deploy", [], { ...TOFU, TF_CLI_ARGS_apply: "-nonsense" });

    expect(deploy.output).toContain("-nonsense");
    expect(deploy.code).toBe(1);
  });

  test("has no terminal: what would ask says how to go without, and the rest asks nothing", () => {
    expect(answers.plan).toMatchObject({ code: 0 });
    expect(answers.destroy?.output).toContain("Add --yes to destroy without asking.");
    expect(answers.destroy?.code).toBe(1);
  });
});

function pathOf(program: string): string {
  const { stdout } = spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" });
  return stdout.trim();
}
