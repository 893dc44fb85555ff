import { AwsClient } from "aws4fetch";
import { afterAll, expect, test } from "vitest";
import { Project, type Running, SHOP } from "./_project.ts";

const CONFIG = `
  celeryApp: "tasks:app",
  image: { context: ${JSON.stringify(SHOP)} },
  web: { command: ["python", "web.py"] },
`;
const UPLOAD = { method: "PUT", body: "photo" };

const project = new Project(`${CONFIG} media: true,`);
afterAll(() => project.close());

const client = new AwsClient({
  ...{ accessKeyId: "local", secretAccessKey: "local", service: "s3", region: "ru-central1" },
});

async function photoOf(running: Running): Promise<string> {
  const { urls } = await running.until({ type: "cloud", state: "starting" });
  const { storage } = urls as { storage: string };
  await running.until({ type: "cloud", state: "running" });
  return `${storage}/shop-media-local/photo.jpg`;
}

test("npm run local keeps uploads with --data, even if it is killed", async () => {
  const killed = project.start("--json", "--data", "kept");
  expect((await client.fetch(await photoOf(killed), UPLOAD)).status).toBe(200);
  killed.signal("SIGKILL");
  await killed.end;

  const restarted = project.start("--json", "--data", "kept");
  const photo = await client.fetch(await photoOf(restarted));

  expect(await photo.text()).toBe("photo");
  restarted.signal("SIGINT");
  expect(await restarted.end).toBe(0);
});

test("npm run local has other uploads without it, and tells other programs where they are", async () => {
  const { stdout, stderr, end } = await project.run(
    "--once",
    "echo $AWS_STORAGE_BUCKET_NAME $AWS_ENDPOINT_URL_S3 $AWS_REQUEST_CHECKSUM_CALCULATION",
  );

  expect(await end).toBe(0);
  expect(stdout).toMatch(/^shop-media-local http:\/\/localhost:\d+ when_required\n$/);
  const [, address] = stdout.trim().split(" ");
  expect(stderr).toContain(`  Files    ${address}\n`);
});

test.each([
  ["a bucket", "media: true,", "media"],
  ["a database", "postgres: {},", "postgres"],
])("npm run local --watch says that %s comes with another start", async (_, line, field) => {
  project.configure(CONFIG);
  const running = project.start("--json", "--watch");
  await running.until({ type: "cloud", state: "running" });

  project.configure(`${CONFIG} ${line}`);

  await running.until({
    type: "note",
    text: `'${field}' has changed in config.ts. Stop, and start \`npm run local\` again.`,
  });
  running.signal("SIGINT");
  expect(await running.end).toBe(0);
});
