import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/**
 * The stand-in cloud: one JSON file in the directory that `CLOUD_DIR` names. The stand-in provider,
 * `yc`, `docker` and the HTTP server all read and write it, so what one of them makes the others see.
 */
export interface Cloud {
  /** Counts every change; also the clock that late rights and certificates go by. */
  tick: number;
  /** How many resources terraform has made. */
  creates?: number;
  /** What was lost of them. */
  lost?: string[];
  registries: Record<string, { name: string; folderId: string } & Described>;
  /** Key: `<registry id>/<repository>`. */
  repositories: Record<string, { id: string; policy?: unknown }>;
  images: Image[];
  containers: Record<string, Container>;
  /** Key: queue URL. */
  queues: Record<string, Queue>;
  triggers: Record<string, Trigger>;
  gateways: Record<string, Gateway>;
  certificates: Record<string, Certificate>;
  /** Key: `<zone id>/<name>/<type>`. */
  dnsRecords: Record<string, string[]>;
  accounts: Record<string, { name: string; folderId: string } & Described>;
  grants: Grant[];
  /** Static keys by access key id. */
  keys: Record<string, StaticKey>;
  secrets: Record<string, Secret>;
  /** `endpoint` is that of the Document API. */
  databases: Record<
    string,
    {
      name: string;
      folderId?: string;
      endpoint: string;
      deletionProtection: boolean;
      limits?: unknown;
    } & Described
  >;
  /** Key: `<database id>/<table>`. */
  tables: Record<
    string,
    {
      status: string;
      ttlAttribute?: string;
      ttlStatus?: string;
      request: unknown;
      /** By key, as JSON. */
      items?: Record<string, unknown>;
    }
  >;
  /** Lines of log groups by the group's id, in the order in which they were written. */
  logs?: Record<string, StoredLogEntry[]>;
  /** The list of prices, as the API has it but in snake_case. */
  skus?: { id: string; name: string; service_id: string }[];
  /** Series of Monitoring. */
  metrics?: Metric[];
  /** Any other resource the provider holds, by type and id. */
  others: Record<string, Record<string, unknown>>;
  /** Object storage: `<bucket>/<key>` to text. */
  objects: Record<string, string>;
  /** The buckets there are. Without the list every bucket exists but `missing`. */
  buckets?: string[];
  /** The folders there are. Without the list every folder exists but `missing`. */
  folders?: Record<string, { name: string; cloudId: string }>;
  /** The profile of `yc` on this machine; without it `yc` was never set up. */
  yc?: YcProfile;
  /** What `docker` holds on this machine. */
  docker?: DockerClient;
  /** Operations of the REST API that nobody has asked for yet. */
  operations?: Record<string, Operation>;
  /** Secrets of the shell that a tool was given. */
  leaked?: string[];
  /**
   * How commands of `manage.py` end, by their words in one line. Others print nothing and succeed.
   */
  commands?: Record<string, { exitCode?: number; output?: string }>;
  /** What a test wants to go wrong. */
  faults: Faults;
  /** Every command and request that reached the stand-ins, in order. */
  log: string[];
}

/** What its maker wrote on a thing. */
export interface Described {
  description?: string;
  labels?: Record<string, string>;
}

/** A series of Monitoring. */
export interface Metric {
  name: string;
  labels: Record<string, string>;
  /** Milliseconds since the epoch, and the value then. */
  points: readonly (readonly [at: number, value: number])[];
}

/** A line of a log group, as `yc --format json` prints it. */
export interface StoredLogEntry {
  uid: string;
  resource: { type?: string; id?: string };
  timestamp: string;
  /** From then on it can be read. */
  saved_at: string;
  level?: string;
  message?: string;
  json_payload?: Record<string, unknown>;
  stream_name?: string;
}

export interface StaticKey {
  id: string;
  accountId: string;
  secret: string;
  description?: string;
  /** @default the time of everything that the stand-in cloud makes */
  createdAt?: string;
}

export interface Image {
  id: string;
  /** `<registry id>/<repository>`. */
  repository: string;
  digest: string;
  tags: string[];
  /** An index over several manifests; those lie beside it untagged. */
  index?: boolean;
  /** `linux/amd64` and the like. */
  platform?: string;
}

export interface YcProfile {
  /** `0.x` knows no versioned command trees. */
  version: string;
  /** The tree that the unversioned `yc serverless` stands for. @default 1 */
  serverlessVersion?: 1 | 2;
  loggedIn: boolean;
  /** A federated session that ended: the next call wants a browser. */
  sessionExpired?: boolean;
  folderId?: string;
  cloudId?: string;
  /** Id of who is logged in. */
  userId?: string;
  /** Whether that is a service account. */
  isService?: boolean;
}

export interface DockerClient {
  /** Registry host to the user name of the login. */
  logins: Record<string, string>;
  /** Hosts that a credential helper answers for. */
  helpers: string[];
  /** Local images by reference. */
  images: Record<string, LocalImage>;
  /** A password was given on the command line. */
  passwordOnCommandLine?: boolean;
}

export interface LocalImage {
  /** Digest of the image's configuration, which is its local id. */
  id: string;
  digest: string;
  index: boolean;
  platform: string;
  /** `<repository>@<digest>` for each repository that it was pushed to. */
  repoDigests: string[];
}

export interface Operation {
  done: boolean;
  metadata: Record<string, string>;
  response?: unknown;
  error?: { code: number; message: string };
}

export interface Container extends Described {
  name: string;
  folderId: string;
  url: string;
  revisions: Revision[];
}

export interface Revision {
  id: string;
  status: "ACTIVE" | "OBSOLETE" | "ERROR";
  image: string;
  digest: string;
  environment: Record<string, string>;
  /** @default the time of everything that the stand-in cloud makes */
  createdAt?: string;
  /** Everything else of the revision as the provider sent it. */
  inputs: unknown;
}

/** A queue without its messages, which the HTTP side of the cloud has. */
export interface Queue {
  name: string;
  arn: string;
  folderId: string;
  attributes: Record<string, string>;
}

/** A trigger in the snake_case form that `yc --format json` prints. */
export interface Trigger {
  id: string;
  folder_id: string;
  name: string;
  description?: string;
  labels?: Record<string, string>;
  rule: {
    message_queue?: {
      queue_id: string;
      service_account_id: string;
      batch_settings: { size: string; cutoff: string };
      invoke_container: { container_id: string; path?: string; service_account_id: string };
    };
    timer?: {
      cron_expression: string;
      payload?: string;
      invoke_container_with_retry: {
        container_id: string;
        path?: string;
        service_account_id: string;
        retry_settings?: { retry_attempts: string; interval: string };
      };
    };
  };
  status: "ACTIVE" | "PAUSED";
}

export interface Gateway extends Described {
  name: string;
  folderId: string;
  domain: string;
  spec: string;
  domains: { fqdn: string; certificateId: string }[];
}

export interface Certificate extends Described {
  name: string;
  folderId: string;
  domains: string[];
  status: "VALIDATING" | "ISSUED" | "RENEWING" | "RENEWAL_FAILED" | "INVALID";
}

export interface Grant {
  /** `folder:<id>`, `secret:<id>`, `container:<id>`. */
  target: string;
  role: string;
  member: string;
  /** The tick from which the cloud honours it. */
  effectiveAt: number;
}

export interface Secret extends Described {
  name: string;
  folderId?: string;
  deletionProtection?: boolean;
  /** The cloud makes the payload of each new version by itself. */
  generated?: { key: string; length: number; alphabet: string };
  /** The block that the line above comes from, as it is read back. */
  payload?: unknown;
  /** In the order they were added; the last active one is the current one. */
  versions: Record<string, SecretVersion>;
}

export interface SecretVersion {
  status: "ACTIVE" | "SCHEDULED_FOR_DESTRUCTION";
  entries: Record<string, string>;
  description?: string;
  createdAt?: string;
}

/** What becomes of a creation: the cloud has made the thing, and terraform does not hear of it. */
export interface LostCreation {
  /** Counted from 1 over the life of the cloud; `each` loses the first of each thing. */
  at: number | "each";
  /**
   * `kill` ends terraform and the provider, `kill all` the process that has started terraform too;
   * `internal` fails the look that follows; `unavailable` loses the answer, so that the provider asks
   * again.
   */
  by: "kill" | "kill all" | "internal" | "unavailable";
}

export interface Faults {
  creation?: LostCreation;
  /** The next so many looks of terraform at a resource fail. */
  reads?: number;
  /** Networks cannot be deleted: a container has left one only a while ago. */
  network?: boolean;
  /** The next so many calls of a container come before the right to do so is honoured. */
  lateInvokers?: number;
  /** Commands of `manage.py` are out of time, or never end. */
  commands?: "timeout" | "hang";
  /** Attaching any domain to a gateway fails. */
  attachDomain?: boolean;
  /** Revisions fail to start although their image is there. */
  revisions?: boolean;
  /** Object storage ignores conditional writes. */
  noConditionalWrites?: boolean;
  /** Services that refuse whoever asks, for want of a role. */
  denied?: string[];
  /** Services whose REST calls answer 503, by name. */
  unavailable?: string[];
  /** Operations of the REST API are accepted and then fail. */
  operations?: boolean;
  /** Who is logged in may not read logs; the next so many calls find no service. */
  logging?: "denied" | number;
  /** `docker` finds no daemon, or the registry turns the push away. */
  docker?: "daemon" | "denied";
}

/** What a test may plant in the environment of a command, to see who gets it. */
const SHELL_SECRETS = ["PLANTED_TOKEN", "AWS_SECRET_ACCESS_KEY"];

/** Reads the cloud; an empty one when nothing was made yet. */
export function readCloud(dir = cloudDir()): Cloud {
  const file = join(dir, "cloud.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Cloud) : emptyCloud();
}

/** Changes the cloud under a lock that holds between processes, and returns what `change` returns. */
export function changeCloud<T>(change: (cloud: Cloud) => T, dir = cloudDir()): T {
  return locked(dir, () => {
    const cloud = readCloud(dir);
    cloud.tick += 1;
    const leaked = SHELL_SECRETS.filter((name) => process.env[name]);
    if (leaked.length > 0) cloud.leaked = [...new Set([...(cloud.leaked ?? []), ...leaked])];
    const result = change(cloud);
    const file = join(dir, "cloud.json");
    writeFileSync(`${file}.new`, JSON.stringify(cloud, null, 1));
    renameSync(`${file}.new`, file);
    return result;
  });
}

function cloudDir(): string {
  const dir = process.env.CLOUD_DIR;
  if (!dir) throw new Error("CLOUD_DIR is not set. It names the directory of the stand-in cloud.");
  return dir;
}

function locked<T>(dir: string, body: () => T): T {
  mkdirSync(dir, { recursive: true });
  const lock = join(dir, "lock");
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      // A link is made with what it says in one step: who holds the lock.
      symlinkSync(String(process.pid), lock);
      break;
    } catch {
      removeStale(lock);
      Atomics.wait(pause, 0, 0, 5);
    }
  }
  try {
    return body();
  } finally {
    unlinkSync(lock);
  }
}

// A stand-in that was killed inside the lock must not hang the tests after it.
function removeStale(lock: string): void {
  try {
    if (!isAlive(Number(readlinkSync(lock)))) unlinkSync(lock);
  } catch {
    // Somebody else removed it first.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function emptyCloud(): Cloud {
  return {
    tick: 0,
    registries: {},
    repositories: {},
    images: [],
    containers: {},
    queues: {},
    triggers: {},
    gateways: {},
    certificates: {},
    dnsRecords: {},
    accounts: {},
    grants: [],
    keys: {},
    secrets: {},
    databases: {},
    tables: {},
    others: {},
    objects: {},
    faults: {},
    log: [],
  };
}
