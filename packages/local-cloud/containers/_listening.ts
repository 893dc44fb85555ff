import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { runProgram } from "../support/run-program.ts";
import { childrenOf } from "./_memory.ts";

/** Where somebody takes connections. */
export interface Listener {
  /** As people write it: `0.0.0.0`, `::1`. */
  readonly address: string;
  readonly port: number;
}

const LISTENING = "0A";

/** Where a process and its descendants listen, and whoever else does on `port`. */
export async function listenersOf(pid: number, port: number): Promise<Listener[]> {
  const all = process.platform === "linux" ? onLinux(pid, port) : await elsewhere(pid);
  const unique = new Map(all.map((one) => [formatListener(one), one]));
  return [...unique.values()];
}

/** Whether others than this machine can connect. */
export function isExposed({ address }: Listener): boolean {
  return !/^(127\.|::1$|::ffff:127\.)/.test(address);
}

/** As an address with its port: `0.0.0.0:8000`, `[::1]:8000`. */
export function formatListener({ address, port }: Listener): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function onLinux(pid: number, port: number): Listener[] {
  const own = new Set(socketsOf(pid));
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap(readTable)
    .filter((one) => one.port === port || own.has(one.socket));
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const links = attempt(() => readdirSync(folder)).map((name) => `${folder}/${name}`);
  const own = links.flatMap((link) => attempt(() => [readlinkSync(link)]));
  return [...own, ...childrenOf(pid).flatMap(socketsOf)];
}

// Of what ends meanwhile, nothing is left to be read.
function attempt(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return [];
  }
}

// A machine without IPv6 has no table of it.
function readTable(file: string): (Listener & { readonly socket: string })[] {
  return attempt(() => readFileSync(file, "utf8").split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTENING)
    .map(([, local = "", , , , , , , , inode]) => {
      const [address = "", port = ""] = local.split(":");
      const socket = `socket:[${inode}]`;
      return { address: readAddress(address), port: Number.parseInt(port, 16), socket };
    });
}

/** Words of four bytes, each with its last byte first. */
function readAddress(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (bytes.length === 4) return [...bytes].join(".");
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  const text = groups.map((group) => group.toString(16)).join(":");
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

async function elsewhere(group: number): Promise<Listener[]> {
  const { lines } = await runProgram("lsof", [
    "-nP",
    "-a",
    "-iTCP",
    "-sTCP:LISTEN",
    "-g",
    String(group),
  ]);
  return lines.flatMap((line) => {
    const [, address = "", port] = /TCP \[?([^\s\]]*)\]?:(\d+) \(LISTEN\)/.exec(line) ?? [];
    if (port === undefined) return [];
    return [{ address: address === "*" ? "0.0.0.0" : address, port: Number(port) }];
  });
}
