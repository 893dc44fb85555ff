import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { servingFor } from "./kill.ts";
import { serve } from "./serve.ts";

/**
 * Serves the providers of many runs of terraform from one process: a dozen starts of Node are most of
 * what a deploy against the stand-ins would cost. Whoever is started as a provider connects, says who
 * it is and in which environment, gets the line for terraform, and stays as long as the connection.
 * Writes its port into the file; ends with its standard input.
 */
export function host(portFile: string): void {
  const server = createServer((socket) => {
    let said = "";
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (text: string) => {
      said += text;
      if (!said.endsWith("\0\0")) return;
      void attend(socket, said);
      said = "";
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    writeFileSync(portFile, String(typeof address === "object" && address ? address.port : ""));
  });
  process.stdin.on("end", () => process.exit(0)).resume();
}

/** @param said process id and that of terraform, then `env -0` */
async function attend(socket: Socket, said: string): Promise<void> {
  const [ids = "", ...variables] = said.split("\0").filter(Boolean);
  const [pid = 0, ppid = 0] = ids.split(" ").map(Number);
  const env = Object.fromEntries(
    variables.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]),
  );
  const { handshake, close } = await serve({
    onShutdown: () => socket.destroy(),
    around: (handle) => servingFor({ pid, ppid }, env, handle),
  });
  socket.on("close", close);
  if (socket.destroyed) close();
  else socket.write(`${handshake}\n`);
}
