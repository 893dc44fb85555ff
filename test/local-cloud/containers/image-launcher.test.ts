import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ImageLauncher } from "../../../packages/local-cloud/containers/_image-launcher.ts";
import { Containers } from "../../../packages/local-cloud/containers/containers.ts";
import { get, SPEC } from "./_world.ts";

const root = mkdtempSync(join(tmpdir(), "images-"));
const log = join(root, "docker.log");
const { PATH } = process.env;

// Notes what it is asked to do, and runs the entry point where it stands.
const DOCKER = `#!/bin/sh
echo "$*" >> ${log}
case "$1" in
  buildx) echo "#5 [2/3] COPY . ."; [ ! -e ${root}/site/broken ] || { echo "no such file"; exit 1; } ;;
  ps) echo 0123456789ab ;;
  run)
    for word; do case "$word" in --entrypoint=*) program="\${word#*=}" ;; local-images-*) break ;; esac; shift; done
    shift; cd ${join(import.meta.dirname, "site")} && exec "$program" "$@" ;;
esac
`;

beforeAll(() => {
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "site"));
  writeFileSync(join(root, "site", "Dockerfile"), "FROM scratch\n");
  writeFileSync(join(root, "bin", "docker"), DOCKER);
  chmodSync(join(root, "bin", "docker"), 0o755);
  process.env.PATH = `${join(root, "bin")}${delimiter}${PATH}`;
});
afterAll(() => {
  process.env.PATH = PATH;
});

const work = { progress: () => {}, warn: () => {}, signal: new AbortController().signal };
const spec = {
  ...SPEC,
  source: "site",
  command: ["python3", "app.py"],
  environment: { SQS_QUEUE: "http://localhost:9324/a/b", A: "1" },
  secrets: ["API_KEY"],
};

describe("containers as images", () => {
  test("are built once, run with the stack's environment, and removed", async () => {
    const steps: unknown[] = [];
    const containers = new Containers({
      specs: [spec, { ...spec, name: "shop-worker" }],
      root,
      cache: join(root, "cache"),
      secrets: { API_KEY: "hidden" },
      docker: true,
      report: (happening) => {
        if (happening.type === "container" && happening.state === "installing") {
          steps.push(happening.detail);
        }
      },
    });
    await containers.start();
    const { environment } = JSON.parse((await get(containers, "/")).text);
    await containers.stop();
    const calls = readFileSync(log, "utf8").trim().split("\n");
    const builds = calls.filter((call) => call.startsWith("buildx bake"));
    const runs = calls.filter((call) => call.startsWith("run"));

    expect(environment).toMatchObject({ A: "1", API_KEY: "hidden", PORT: expect.any(String) });
    expect(builds).toHaveLength(1);
    expect(builds[0]).toContain(
      `--set=app.context=${root}/site --set=app.dockerfile=Dockerfile --progress=plain --load`,
    );
    expect(runs).toHaveLength(2);
    expect(runs[0]).toContain("--memory=128m");
    expect(runs[0]).toContain("--env=API_KEY");
    expect(calls.join()).not.toContain("hidden");
    expect(calls.at(-1)).toBe("rm --force 0123456789ab");
    expect(steps).toContain("[2/3] COPY . .");
  });

  test("fail with docker's last words when they cannot be built", async () => {
    writeFileSync(join(root, "site", "broken"), "");
    const images = new ImageLauncher({ root });

    await expect(images.prepare(spec, work)).rejects.toThrow(
      /could not be built.*\n.*\n {2}no such file/,
    );
    await expect(images.prepare({ ...spec, dockerfile: "Other" }, work)).rejects.toThrow(
      /Other does not exist.*'image' in config\.ts/,
    );
  });

  test("share the machine's network on Linux", () => {
    const { args, env } = new ImageLauncher({ root }, "linux").command(spec, "image", 81, {});

    expect(args).toContain("--network=host");
    expect(env).toMatchObject({ SQS_QUEUE: "http://localhost:9324/a/b", PORT: "81" });
  });

  test("reach local services by docker's name for the machine elsewhere", () => {
    const { args, env } = new ImageLauncher({ root }, "darwin").command(spec, "image", 81, {});

    expect(args).toEqual(
      expect.arrayContaining([
        "--publish=127.0.0.1:81:81",
        "--add-host=host.docker.internal:host-gateway",
      ]),
    );
    expect(env).toMatchObject({ SQS_QUEUE: "http://host.docker.internal:9324/a/b" });
  });
});
