import { describe, expect, test } from "vitest";
import { childEnvironment } from "../../../scripts/lib/shell/child-environment.ts";

const SHELL = {
  PATH: "/bin",
  HOME: "/home/me",
  LC_ALL: "C",
  XDG_CONFIG_HOME: "/x",
  SSL_CERT_FILE: "/ca.pem",
  HTTPS_PROXY: "http://proxy",
  no_proxy: "localhost",
  DOCKER_HOST: "tcp://docker",
  BUILDX_BUILDER: "one",
  TF_CLI_ARGS_apply: "-parallelism=3",
  TF_VAR_image: "cr.yandex/x",
  YC_TOKEN: "t1.token",
  YC_CLI_INITIALIZATION_SILENCE: "true",
  AWS_SECRET_ACCESS_KEY: "secret",
  GITHUB_TOKEN: "secret",
  NPM_TOKEN: "secret",
  DATABASE_URL: "postgres://me:secret@db",
};
const COMMON = [
  ...["PATH", "HOME", "LC_ALL", "XDG_CONFIG_HOME", "SSL_CERT_FILE"],
  ...["HTTPS_PROXY", "no_proxy"],
];

describe("childEnvironment", () => {
  test.each([
    ["docker", ["DOCKER_HOST", "BUILDX_BUILDER", "YC_CLI_INITIALIZATION_SILENCE"]],
    [
      "terraform",
      ["TF_CLI_ARGS_apply", "TF_VAR_image", "YC_TOKEN", "YC_CLI_INITIALIZATION_SILENCE"],
    ],
    ["yc", ["YC_TOKEN", "YC_CLI_INITIALIZATION_SILENCE"]],
  ] as const)(
    "gives %s what it may need, and none of the shell's other secrets",
    (purpose, own) => {
      expect(Object.keys(childEnvironment(SHELL, purpose))).toEqual([...COMMON, ...own]);
    },
  );

  test("lets through what PASS_ENV names", () => {
    const env = { ...SHELL, PASS_ENV: "NPM_TOKEN, DATABASE_URL" };

    expect(childEnvironment(env, "docker")).toMatchObject({
      NPM_TOKEN: "secret",
      DATABASE_URL: "postgres://me:secret@db",
    });
    expect(childEnvironment(env, "docker")).not.toHaveProperty("GITHUB_TOKEN");
  });
});
