// Entry point of the stand-in provider: answers terraform's plugin protocol over gRPC.
import { host } from "./host.ts";
import { serve } from "./serve.ts";

const MAGIC_COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

const [mode, portFile = ""] = process.argv.slice(2);

if (mode === "host") {
  host(portFile);
} else if (process.env.TF_PLUGIN_MAGIC_COOKIE === MAGIC_COOKIE) {
  // As real providers do: a terminal's interrupt is terraform's to handle.
  process.on("SIGINT", () => {});
  void serve({ onShutdown: () => process.exit(0) }).then(({ handshake }) => {
    process.stdout.write(`${handshake}\n`);
  });
} else {
  process.stderr.write("This is the stand-in of a terraform provider. Terraform starts it.\n");
  process.exit(1);
}
