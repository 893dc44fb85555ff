import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../../stacks/settings.ts";
import { openSession, readApp, type Session } from "../cloud/session.ts";
import { listImages, parseImage } from "../image/registry-images.ts";
import type { System } from "../shell/system.ts";
import { messageOf } from "../shell/user-error.ts";
import type { DeployedApp } from "../terraform/outputs.ts";
import { synthesize } from "../terraform/synthesize.ts";
import { terraformDirectory } from "../terraform/terraform.ts";
import { type BillLine, makeBill } from "./bill.ts";
import { measure } from "./metrics.ts";
import { readPriceList } from "./price-list.ts";
import { type MeterName, type Price, tablePrice } from "./prices.ts";
import { readParts, type StackParts } from "./stack-parts.ts";
import { type Expected, expectTraffic, type Traffic, usageOf } from "./usage.ts";

/** A month's bill, and what a reader has to know about it. */
export interface Costs {
  readonly bill: readonly BillLine[];
  readonly notes: readonly string[];
}

const BYTES_A_GB = 1024 ** 3;
const DAY_MS = 86_400_000;

/**
 * What a month of a stage costs: what there is by its stacks, what happens by its metrics, or as it is
 * expected. Without a login, or where the login may not read something, it says so and goes on with
 * what is left.
 */
export async function findCosts(
  system: System,
  settings: Settings,
  expected: Expected,
): Promise<Costs> {
  const notes: string[] = [];
  const orNote = async <T>(what: string, find: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await find();
    } catch (error) {
      notes.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  };
  await synthesize(system, settings.stage);
  const parts = readStacks(system, settings);
  const session = await orNote("No login", () => openSession(system, settings));
  const app = session && (await orNote("Nothing is measured", () => readApp(session)));
  const images = app && (await orNote("Size of the images", () => readImages(session, app)));
  const given = Object.entries(expected).some(
    ([name, it]) => TRAFFIC.has(name) && it !== undefined,
  );
  const measured =
    app && !given
      ? await orNote("Metrics", () => measureTraffic(session, parts, app, notes))
      : undefined;
  if (!measured) notes.push(given ? AS_GIVEN : NO_TRAFFIC);
  const traffic = measured ?? expectTraffic(parts, expected);
  const listed = session && (await orNote("List of prices", () => readListed(session, notes)));
  const known = {
    ...traffic,
    requestUnits: expected.requestUnits,
    logGb: expected.logGb,
    imagesGb: expected.imagesGb ?? images,
  };
  const bill = makeBill(usageOf(parts, known), (meter) => listed?.get(meter), tablePrice);
  return { bill, notes: [...notes, NOT_COUNTED] };
}

/** What makes the traffic expected, not measured. */
const TRAFFIC: ReadonlySet<string> = new Set(["requests", "requestSeconds", "tasks", "seconds"]);
const AS_GIVEN = "Traffic: as given by flags; nothing is measured.";
const NO_TRAFFIC =
  "Traffic: none but the timers'. Give --requests, --tasks and --seconds for a month that you expect.";
const NOT_COUNTED =
  "Not looked at: outgoing traffic, Object Storage, what YDB stores, secrets of your own, starts of instances.";

async function measureTraffic(
  { system, api, folderId }: Session,
  parts: StackParts,
  app: DeployedApp,
  notes: string[],
): Promise<Traffic> {
  const { traffic, from, to, missing } = await measure(api, folderId, parts, app, system.now());
  const days = ((to - from) / DAY_MS).toFixed(1);
  const since = new Date(from).toISOString().slice(0, 10);
  notes.push(
    `Traffic: measured since ${since} (UTC), ${days} days, and extrapolated to a month of 30 days.`,
    "Time is that of the requests: rounding up adds to it, requests at the same time share it.",
  );
  if (missing.length > 0) notes.push(`No metric, counted as nothing: ${missing.join(", ")}.`);
  return traffic;
}

async function readListed(
  { api, system }: Session,
  notes: string[],
): Promise<ReadonlyMap<MeterName, Price>> {
  const listed = await readPriceList(api, system.now());
  if (listed.size === 0)
    notes.push("List of prices: no SKU in it is known here. The table of this project is used.");
  return listed;
}

// Layers that two images share are stored once, but counted twice.
async function readImages(
  { api }: Session,
  { containers }: DeployedApp,
): Promise<number | undefined> {
  const repositories = new Set(
    Object.values(containers).map(({ image }) => parseImage(image).repository),
  );
  const all = await Promise.all([...repositories].map((it) => listImages(api, it)));
  const bytes = all.flat().reduce((sum, image) => sum + (image.bytes ?? Number.NaN), 0);
  return Number.isNaN(bytes) ? undefined : bytes / BYTES_A_GB;
}

function readStacks({ root, env }: System, { stage }: Settings): StackParts {
  const fileOf = (kind: "app" | "data") =>
    join(root, terraformDirectory(env, kind, stage), "cdk.tf.json");
  const data = fileOf("data");
  return readParts(
    readFileSync(fileOf("app"), "utf8"),
    existsSync(data) ? readFileSync(data, "utf8") : undefined,
  );
}
