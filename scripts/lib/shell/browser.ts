import { spawn } from "node:child_process";

/**
 * Opens an address in the person's browser.
 *
 * @param note is told where that is not possible
 */
export function openBrowser(url: string, note: (error: unknown) => void): void {
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  spawn(opener, [url], { detached: true, stdio: "ignore" }).on("error", note).unref();
}
