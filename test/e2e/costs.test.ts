import { expect, test } from "vitest";
import { newProject } from "../support/project.ts";

test("what a stage would cost takes neither a login nor a network", async () => {
  const project = await newProject(`schedule: "database", postgres: {},`);
  project.change((cloud) => {
    cloud.yc = undefined;
  });
  await project.http.close();

  const { code, stdout } = await project.npm("costs", [], { YC_FOLDER_ID: "" });

  expect(code).toBe(0);
  expect(stdout).toMatch(/^Containers: calls +43,200 calls +4\.3 % +0\.00 /m);
  expect(stdout).toMatch(/^PostgreSQL: processor at 50 % .* 1,568\.45 /m);
  expect(stdout).toContain("No login: ");
});
