import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "undici";
import { waitUntil } from "./wait.ts";

/** Starts a Chromium without a window: `chromium`, or the one that CHROMIUM names. */
export async function startChromium() {
  const profile = mkdtempSync(join(tmpdir(), "screenshots-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"];
  const child = spawn(
    process.env.CHROMIUM ?? "chromium",
    [...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [, host] = await waitUntil("Chromium", () => /ws:\/\/([^/]+)/.exec(said));
  const targets = (await (await fetch(`http://${host}/json`)).json()) as Target[];
  const target = targets.find(({ type }) => type === "page");
  const socket = new WebSocket(String(target?.webSocketDebuggerUrl));
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  return {
    page: new Page(socket),
    stop: async () => {
      socket.close();
      child.kill();
      await once(child, "exit");
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

interface Target {
  readonly type: string;
  readonly webSocketDebuggerUrl: string;
}

interface Reply {
  readonly id?: number;
  readonly result?: { readonly data?: string; readonly result?: { readonly value?: unknown } };
  readonly error?: { readonly message: string };
}

/** One page, driven by the DevTools protocol (https://chromedevtools.github.io/devtools-protocol). */
class Page {
  private readonly socket: WebSocket;
  private lastId = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
  }

  async resize(width: number, height: number): Promise<void> {
    const metrics = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.send("Emulation.setDeviceMetricsOverride", metrics);
  }

  async open(url: string): Promise<void> {
    await this.send("Page.navigate", { url });
    await waitUntil(url, () => this.evaluate("document.readyState === 'complete'"));
  }

  async show(html: string): Promise<void> {
    await this.open(`data:text/html;base64,${Buffer.from(html).toString("base64")}`);
  }

  /** The value of an expression. */
  async evaluate(expression: string): Promise<unknown> {
    const { result } = await this.send("Runtime.evaluate", { expression });
    return result?.value;
  }

  /** A PNG of what the page shows. */
  async capture(): Promise<Buffer> {
    // What has just changed is drawn first.
    await sleep(500);
    const { data = "" } = await this.send("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data, "base64");
  }

  private send(method: string, params: object): Promise<NonNullable<Reply["result"]>> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const take = ({ data }: { data: unknown }) => {
        const reply = JSON.parse(String(data)) as Reply;
        if (reply.id !== id) return;
        this.socket.removeEventListener("message", take);
        if (reply.error) reject(new Error(`${method}: ${reply.error.message}`));
        else resolve(reply.result ?? {});
      };
      this.socket.addEventListener("message", take);
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
