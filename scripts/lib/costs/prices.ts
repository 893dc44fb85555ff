/** Hours of a month, as the cloud's own examples count them. */
export const HOURS_A_MONTH = 720;

/** Where the free tiers are listed. They are per billing account and month. */
export const FREE_TIERS = "https://yandex.cloud/en/docs/billing/concepts/serverless-free-tier";

/** What is paid for. */
export type MeterName =
  | "calls"
  | "cpu"
  | "memory"
  | "ready"
  | "gateway"
  | "messages"
  | "requestUnits"
  | "logs"
  | "secrets"
  | "images"
  | "postgresCpu"
  | "postgresHalfCpu"
  | "postgresMemory"
  | "postgresDisk";

/** A thing that is counted, in the unit in which it is sold. */
export interface Meter {
  readonly title: string;
  /** What the quantity counts. */
  readonly unit: string;
  /** How many of `shown` are one unit. @default 1 */
  readonly scale?: number;
  /** What a person counts in: calls, where millions of calls are sold. @default unit */
  readonly shown?: string;
  /** Units a month that cost nothing. */
  readonly free: number;
  /**
   * The name of its SKU, as the pages of prices of the cloud's documentation have it. Whether the list
   * of prices has the same names was never seen, and ids are in no public source: what is not found there
   * is taken from `TABLE`.
   */
  readonly sku?: string;
}

/** What one unit costs from a quantity on. */
export interface Rate {
  readonly from: number;
  readonly roubles: number;
}

/** Prices by quantity, the lowest first; with where they come from. */
export interface Price {
  readonly rates: readonly Rate[];
  readonly source: string;
  /** A day, as 2026-01-31: from when on it holds, or when the source was read. */
  readonly date: string;
}

const MILLION = 1_000_000;

/** All meters, in the order in which a bill names them. */
export const METERS: Readonly<Record<MeterName, Meter>> = {
  calls: {
    title: "Containers: calls",
    ...{ unit: "million calls", shown: "calls", scale: MILLION, free: 1 },
    sku: "serverless.containers.invocations",
  },
  cpu: {
    title: "Containers: processor",
    ...{ unit: "vCPU×h", free: 5 },
    sku: "serverless.containers.compute.cpu",
  },
  memory: {
    title: "Containers: memory",
    ...{ unit: "GB×h", free: 10 },
    sku: "serverless.containers.compute.memory",
  },
  ready: { title: "Containers: always ready", unit: "instance", free: 0 },
  gateway: {
    title: "API Gateway: requests",
    ...{ unit: "million requests", shown: "requests", scale: MILLION, free: 0.1 },
  },
  messages: {
    title: "Message Queue: requests",
    ...{ unit: "million requests", shown: "requests", scale: MILLION, free: 0.1 },
    sku: "ymq.queue.std.requests",
  },
  requestUnits: {
    title: "YDB: request units",
    ...{ unit: "million request units", shown: "request units", scale: MILLION, free: 1 },
    sku: "ydb.v1.serverless.requests",
  },
  logs: {
    title: "Cloud Logging: written",
    ...{ unit: "GB", free: 5 },
    sku: "logging.ingested.traffic",
  },
  secrets: {
    title: "Lockbox: versions of secrets",
    ...{ unit: "version×h", shown: "versions", scale: 1 / HOURS_A_MONTH, free: 0 },
    sku: "lockbox.storage.v1.active_secrets",
  },
  images: {
    title: "Container Registry: images",
    ...{ unit: "GB×h", shown: "GB", scale: 1 / HOURS_A_MONTH, free: 0 },
  },
  postgresCpu: { title: "PostgreSQL: processor", unit: "vCPU×h", free: 0 },
  postgresHalfCpu: { title: "PostgreSQL: processor at 50 %", unit: "vCPU×h", free: 0 },
  postgresMemory: { title: "PostgreSQL: memory", unit: "GB×h", free: 0 },
  postgresDisk: {
    title: "PostgreSQL: network SSD",
    ...{ unit: "GB×h", shown: "GB", scale: 1 / HOURS_A_MONTH, free: 0 },
  },
};

/** When the sources of `TABLE` were read. The prices are those since May 2026. */
const READ = "2026-10-06";
const docs = (page: string) => `https://yandex.cloud/en/docs/${page}, by public notes`;
const CONTAINERS = docs("serverless-containers/pricing");
const POSTGRES = docs("managed-postgresql/pricing");

/**
 * Prices of a unit beyond the free ones, in roubles with VAT, as public sources gave them; never checked
 * against a bill. A price that no source gives is not here: further requests of Message Queue, further
 * lines of Cloud Logging.
 */
const TABLE: Partial<Record<MeterName, readonly [roubles: number, source: string]>> = {
  calls: [18.97, CONTAINERS],
  cpu: [5.69, CONTAINERS],
  memory: [3.79, CONTAINERS],
  /** Of 1 vCPU and 512 MiB; no source gives the parts. */
  ready: [1170, CONTAINERS],
  gateway: [142.3, docs("api-gateway/pricing")],
  requestUnits: [24.64, docs("ydb/pricing/serverless")],
  secrets: [0.0274, docs("lockbox/pricing")],
  images: [0.004575, docs("container-registry/pricing")],
  postgresCpu: [2.08, POSTGRES],
  postgresHalfCpu: [1.0892, POSTGRES],
  postgresMemory: [0.5649, POSTGRES],
  postgresDisk: [0.0218, POSTGRES],
};

/** The price in the table of this project; `undefined` where no source gives one. */
export function tablePrice(meter: MeterName): Price | undefined {
  const known = TABLE[meter];
  if (known === undefined) return undefined;
  const [roubles, source] = known;
  return { rates: withFree(METERS[meter].free, roubles), source, date: READ };
}

function withFree(free: number, roubles: number): Rate[] {
  const paid = { from: free, roubles };
  return free === 0 ? [paid] : [{ from: 0, roubles: 0 }, paid];
}
