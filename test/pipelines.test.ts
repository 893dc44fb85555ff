import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { gitHubJobs, gitLabJobs, readGitHub, readGitLab } from "./support/pipelines.ts";
import { ROOT } from "./support/sources.ts";

const GITHUB_FILE = join(ROOT, "ci", "github.yml");
const GITLAB_FILE = join(ROOT, "ci", "gitlab.yml");
const github = readGitHub(GITHUB_FILE);
const gitlab = readGitLab(GITLAB_FILE);

describe("the GitHub workflow", () => {
  const event = (name: string, repository = "owner/shop") => ({
    github: {
      event_name: name,
      repository: "owner/shop",
      event: { pull_request: { head: { repo: { full_name: repository } } } },
    },
  });

  test("runs on pull requests and on main only", () => {
    expect(github.on).toEqual({
      pull_request: { branches: ["main"] },
      push: { branches: ["main"] },
    });
  });

  test.each([
    ["a fork's pull request", event("pull_request", "stranger/shop"), ["check"]],
    ["a pull request of the repository", event("pull_request"), ["check", "plan"]],
    ["a push to main", event("push"), ["deploy"]],
  ])("for %s", (_, contexts, jobs) => {
    expect(gitHubJobs(github, contexts)).toEqual(jobs);
  });

  test("gives each job the least permissions", () => {
    const withToken = { contents: "read", "id-token": "write" };
    expect(github.permissions).toEqual({});
    expect(Object.entries(github.jobs).map(([name, job]) => [name, job.permissions])).toEqual([
      ["check", { contents: "read" }],
      ["plan", withToken],
      ["deploy", withToken],
    ]);
  });

  test("never runs two deploys, and never cancels one", () => {
    expect(github.jobs.deploy?.concurrency).toEqual({
      group: "deploy",
      "cancel-in-progress": false,
    });
  });

  test("names no stored secret", () => {
    expect(readFileSync(GITHUB_FILE, "utf8")).not.toContain("secrets.");
  });

  test("pins every action by commit, with its version beside it", () => {
    const uses = readFileSync(GITHUB_FILE, "utf8").match(/uses: .*/g) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses)
      expect(line).toMatch(/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("plans without a refresh, without a lock and with an account of its own", () => {
    expect(github.jobs.plan?.env?.TF_CLI_ARGS_plan).toBe("-refresh=false -lock=false");
    const values = Object.entries(github.jobs.plan?.env ?? {});
    const shared = values.filter(([name, value]) => github.jobs.deploy?.env?.[name] === value);
    expect(shared.map(([name]) => name)).toEqual(["YC_CLOUD_ID", "YC_FOLDER_ID"]);
  });
});

const GITLAB_GLOBALS = ["workflow", "stages", "variables", "default"];
const GITLAB_KEYWORDS = [
  ...["stage", "extends", "rules", "image", "services", "variables", "before_script", "script"],
  ...["timeout", "interruptible", "resource_group", "id_tokens"],
];

describe("the GitLab pipeline", () => {
  const main = { CI_DEFAULT_BRANCH: "main" };

  test.each([
    ["a merge request", { ...main, CI_PIPELINE_SOURCE: "merge_request_event" }, ["check"]],
    [
      "a push to main",
      { ...main, CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "main" },
      ["plan", "deploy (manual)"],
    ],
    ["a push to a branch", { ...main, CI_PIPELINE_SOURCE: "push", CI_COMMIT_BRANCH: "x" }, []],
    ["a tag", { ...main, CI_PIPELINE_SOURCE: "push", CI_COMMIT_TAG: "v1" }, []],
    ["a schedule", { ...main, CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main" }, []],
  ])("for %s", (_, variables, jobs) => {
    expect(gitLabJobs(gitlab, variables)).toEqual(jobs);
  });

  test("gives an OIDC token to the jobs of main alone", () => {
    const aud = { YC_ID_TOKEN: { aud: "$CI_PROJECT_URL" } };
    expect(Object.entries(gitlab.jobs).map(([name, job]) => [name, job.id_tokens])).toEqual([
      ["check", undefined],
      ["plan", aud],
      ["deploy", aud],
    ]);
  });

  test("never runs two jobs on the state, and never cancels one", () => {
    const { plan, deploy } = gitlab.jobs;
    expect([plan?.resource_group, deploy?.resource_group]).toEqual(["deploy", "deploy"]);
    expect([plan?.interruptible, deploy?.interruptible]).toEqual([false, false]);
  });

  test("uses only keywords that GitLab knows, which its schema does not insist on", () => {
    const { default: _, ...keywords } = parse(readFileSync(GITLAB_FILE, "utf8"));
    const jobs = Object.keys(keywords).filter((key) => !GITLAB_GLOBALS.includes(key));
    expect(jobs).toEqual(["check", ".account", "plan", "deploy"]);
    const used = jobs.flatMap((job) => Object.keys(keywords[job]));
    expect(used.filter((key) => !GITLAB_KEYWORDS.includes(key))).toEqual([]);
  });

  test("pins every image by version", () => {
    const images = Object.values(gitlab.jobs).flatMap(({ image, services = [] }) => [
      typeof image === "string" ? image : image.name,
      ...services.map(({ name }) => name),
    ]);
    for (const image of images) expect(image).toMatch(/:\d+\.\d+\.\d+/);
  });
});

test("both run the scripts that a laptop runs", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const lines = [
    ...Object.values(github.jobs).flatMap(({ steps }) => steps.map(({ run }) => run ?? "")),
    ...Object.values(gitlab.jobs).flatMap(({ script }) => script),
  ].filter((line) => line.startsWith("npm"));

  const commands = [...new Set(lines.map((line) => /^npm (ci|run ([\w-]+))/.exec(line)?.[2]))];

  expect(commands).toEqual([undefined, "typecheck", "synth", "pipeline-login", "plan", "deploy"]);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(commands.filter(Boolean)));
});
