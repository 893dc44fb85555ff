// `npm run deploy` against raw `terraform init` and `apply` of the same stacks on the same stand-ins,
// in pairs, medians: `PAIRS=5 npx vitest run --config bench/vitest.config.ts`. The raw side does nothing else: it is
// given the image, and makes neither table nor triggers, nor does it look at what runs. The stand-ins
// answer at once and sleep for nobody, which is hard on the side that does more.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { test } from "vitest";
import { newProject, type Project } from "../test/support/project.ts";

const PAIRS = Number(process.env.PAIRS ?? 3);
const TOKEN = { YC_TOKEN: "t1.stand-in.token" };
const CASES = ["first", "unchanged", "new image"] as const;
const WANTED = { first: 1.15, unchanged: 1.3, "new image": 1.15 };

test("deploy beside raw terraform", async () => {
  const ratios = new Map<string, number[]>();
  for (let pair = 1; pair <= PAIRS; pair += 1) {
    const [ours, raw] = [await newProject(), await newProject()];
    await raw.npm("synth");
    for (const name of CASES) {
      if (name === "new image") ours.write("site/new.py", String(pair));
      const deploy = await time(() => must(ours.npm("deploy")));
      const terraform = await time(() =>
        applyRaw(raw, `${pair} ${name === "unchanged" ? "first" : name}`),
      );
      const ratio = deploy / terraform;
      ratios.set(name, [...(ratios.get(name) ?? []), ratio]);
      console.log(
        `${name}: deploy ${deploy.toFixed(1)} s, raw ${terraform.toFixed(1)} s, ${ratio.toFixed(2)}`,
      );
    }
    await Promise.all([ours.close(), raw.close()]);
  }
  for (const name of CASES) {
    const sorted = (ratios.get(name) ?? []).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    console.log(
      `${name}: median of ${PAIRS} pairs ${median.toFixed(2)} (wanted: at most ${WANTED[name]})`,
    );
  }
});

async function applyRaw(project: Project, sources: string): Promise<void> {
  const apply = ["apply", "-auto-approve", "-input=false"];
  const stack = (name: string, args: readonly string[]) =>
    must(project.run("terraform", [`-chdir=cdktf.out/stacks/${name}`, ...args], TOKEN));
  await stack("registry", ["init", "-input=false"]);
  await stack("registry", apply);
  provideImage(project, sources);
  await stack("app", ["init", "-input=false"]);
  await stack("app", apply);
}

/** Puts an image into the stand-in registry as if it had been pushed. */
function provideImage(project: Project, sources: string): void {
  const [registry = ""] = Object.keys(project.cloud().registries);
  const digest = `sha256:${Buffer.from(sources).toString("hex").padEnd(64, "0")}`;
  const repository = `${registry}/app`;
  project.change((cloud) => {
    cloud.images.push({ id: digest, repository, digest, tags: [], platform: "linux/amd64" });
  });
  const file = join(project.dir, "cdktf.out/stacks/app/image.auto.tfvars.json");
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, JSON.stringify({ image: `cr.yandex/${repository}@${digest}` }));
}

async function must(answer: Promise<{ code: number; output: string }>): Promise<void> {
  const { code, output } = await answer;
  if (code !== 0) throw new Error(output);
}

async function time(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
