import { describe, expect, test } from "vitest";
import { terraformEnvironment } from "../../../scripts/lib/terraform/environment.ts";

describe("terraformEnvironment", () => {
  test("passes on what terraform needs, and adds the credentials", () => {
    const env = {
      AWS_CA_BUNDLE: "/ca.pem",
      AWS_SECRET_ACCESS_KEY: "secret",
      GITHUB_TOKEN: "secret",
      HTTPS_PROXY: "http://proxy",
      TF_CLI_ARGS_plan: "-parallelism=3",
      TF_CLI_CONFIG_FILE: "/mirror.tfrc",
      YC_FOLDER_ID: "b1gother",
    };

    expect(terraformEnvironment(env, { token: "t1.x", folderId: "b1g", backend: "local" })).toEqual(
      {
        HTTPS_PROXY: "http://proxy",
        TF_CLI_ARGS_plan: "-parallelism=3",
        TF_CLI_CONFIG_FILE: "/mirror.tfrc",
        YC_FOLDER_ID: "b1g",
        TF_VAR_folder_id: "b1g",
        YC_TOKEN: "t1.x",
        TF_INPUT: "0",
        TF_IN_AUTOMATION: "1",
        CHECKPOINT_DISABLE: "1",
      },
    );
  });

  test("takes the keys of a state in a bucket along, and not what breaks the provider", () => {
    const env = { AWS_CA_BUNDLE: "/ca.pem", AWS_SECRET_ACCESS_KEY: "secret" };

    expect(terraformEnvironment(env, { backend: "s3" })).toMatchObject({
      AWS_SECRET_ACCESS_KEY: "secret",
    });
    expect(terraformEnvironment(env, { backend: "s3" })).not.toHaveProperty("AWS_CA_BUNDLE");
  });

  test("adds no empty credentials", () => {
    expect(terraformEnvironment({}, { backend: "local" })).not.toHaveProperty("YC_TOKEN");
  });
});
