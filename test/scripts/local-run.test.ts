import { expect, onTestFinished, test } from "vitest";
import { Project, SHOP } from "../local-cloud/_project.ts";

test("a command is not run when a container did not start", async () => {
  const project = new Project(`
    celeryApp: "tasks:app",
    image: { context: ${JSON.stringify(SHOP)} },
    web: { command: ["python", "-c", "print('no way'); raise SystemExit(3)"] },
  `);
  onTestFinished(() => project.close());

  const { end, stdout, stderr } = await project.run("--once", "echo ran");

  expect(await end).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/CRASH shop-web {2}exited with code 3.*\n *\| no way\n/);
  expect(stderr).toContain("shop-web did not start, so the command was not run.");
});
