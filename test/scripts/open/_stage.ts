import type { TriggerSpecs } from "../../../constructs/trigger-spec.ts";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import { StageSource, type StageSourceOptions } from "../../../scripts/lib/open/stage-source.ts";
import type { ReadLog } from "../../../scripts/lib/tasks/stage-facts.ts";
import type { DeployedApp } from "../../../scripts/lib/terraform/outputs.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { ROOT } from "../../support/sources.ts";
import { workerEntry } from "../../support/worker-entry.ts";
import { settings } from "../_settings.ts";
import { ACCESS, type Routes } from "../_system.ts";
import { newWorld, type World } from "../queue/_world.ts";

/** When the log begins; the clock of the tests stands four minutes later. */
export const START = Date.parse("2026-01-02T03:00:00Z");
export const TABLE = "POST https://docapi BatchGetItem";
export const TRIGGERS = "https://serverless-triggers.api.cloud.yandex.net/triggers/v1/triggers";
export const LIST = `GET ${TRIGGERS}?folderId=b1g&pageSize=1000`;

const TARGET = { containerId: "bba", path: "/", invokerId: "aje", folderId: "b1g" };
const SPECS: TriggerSpecs = {
  "shop-tasks": {
    ...{ kind: "queue", queueArn: "arn", readerId: "aje", batchSize: 1, batchCutoffSeconds: 1 },
    ...{ ...TARGET, trigger: "yc" },
  },
  nightly: { kind: "timer", cron: "0 3 ? * * *", payload: "{}", ...TARGET, trigger: "yc" },
};

/** The worker's line of a message, so many seconds after the start. */
export function line(seconds: number, payload: object, fields: Partial<LogEntry> = {}): LogEntry {
  const ran = { duration_seconds: 1, ...payload };
  return { ...workerEntry(START + seconds * 1000, ran), ...fields };
}

/** What is recorded of tasks, as the table answers. */
export function recorded(results: Readonly<Record<string, object>>) {
  const celery = Object.entries(results).map(([id, result]) => ({
    id: { S: `b'celery-task-meta-${id}'` },
    result: { B: Buffer.from(JSON.stringify(result)).toString("base64") },
  }));
  return { body: { Responses: { celery } } };
}

/** A trigger as the API has it. */
export function trigger(id: string, name: string, status = "ACTIVE") {
  return { id, name, status, labels: {}, rule: {} };
}

export interface OpenStage {
  readonly world: World;
  readonly source: StageSource;
  /** What the log was asked for. */
  readonly asked: { readonly filter: string; readonly follow: boolean }[];
  /** Lets the log tell more. */
  write(...entries: LogEntry[]): void;
  /** Has each reading of the log fail from now on, or none any more. */
  fail(error: Error | undefined): void;
  /** Ends as the following of the log does. */
  readonly following: Promise<void>;
  /** Resolves once what was written is known. */
  read(): Promise<void>;
  close(): Promise<void>;
}

/** A stage whose log and queues a test writes, and its page's source, which follows it. */
export async function openStage(
  log: readonly LogEntry[] = [],
  routes: Routes = {},
  options: Partial<StageSourceOptions> = {},
  failure: Error | undefined = undefined,
): Promise<OpenStage> {
  const triggers = { body: { triggers: [trigger("a1", "shop-tasks")] } };
  const world = await newWorld({ routes: { [TABLE]: {}, [LIST]: triggers, ...routes } });
  const system = {
    ...world.reader.system,
    sleep: async (milliseconds: number) => {
      await world.reader.system.sleep(milliseconds);
      await new Promise(setImmediate);
    },
  };
  const [own, heavy] = world.stage;
  const app = {
    ...{ queues: { ...own, further: { heavy } }, triggers: SPECS },
    ...{ document_api_endpoint: "https://docapi", results_table: "celery" },
    containers: { web: {}, worker: {} },
  } as unknown as DeployedApp;
  const entries = [...log];
  const asked: OpenStage["asked"] = [];
  let broken = failure;
  let wake = () => {};
  const readLog: ReadLog = async function* (_, { filter, since, follow = false, signal }) {
    asked.push({ filter, follow });
    if (broken) throw broken;
    const [, field = "", value] = /^json_payload\.(\w+) = "(.*)"$/.exec(filter) ?? [];
    const isWanted = ({ timestamp, json_payload: fields = {} }: LogEntry) =>
      Date.parse(timestamp) >= since &&
      (filter.includes(" OR ") ? fields.logger !== undefined : fields[field] === value);
    for (let place = 0; ; ) {
      const more = entries.slice(place);
      place = entries.length;
      yield* more.filter(isWanted);
      if (!follow || signal?.aborted) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
      if (broken) throw broken;
    }
  };
  const session = {
    ...{ system: { ...system, root: ROOT }, access: ACCESS, folderId: "b1g" },
    settings: settings({ image: { context: "examples/django-celery" } }, "production"),
    api: new CloudApi(system, ACCESS),
    terraform: new Terraform(system, { stage: "production", env: {} }),
  };
  const source = new StageSource(
    { session, app, readLog },
    { title: "shop-production", since: START, act: true, reader: world.reader, ...options },
  );
  const stop = new AbortController();
  const following = source.follow(stop.signal);
  // Whoever waits for the end hears of it.
  following.catch(() => {});
  const read = async () => {
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
  };
  await read();
  return {
    ...{ world, source, asked, read, following },
    write: (...more) => {
      entries.push(...more);
      wake();
    },
    fail: (error) => {
      broken = error;
      wake();
    },
    close: async () => {
      stop.abort();
      await following.catch(() => {});
    },
  };
}
