// Entry point of the stand-in provider: answers terraform's plugin protocol over gRPC.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadPackageDefinition, Server, ServerCredentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { Provider } from "./provider.ts";
import type { ProviderSchema } from "./schema.ts";

type Handler = (request: never) => object;

const MAGIC_COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

if (process.env.TF_PLUGIN_MAGIC_COOKIE !== MAGIC_COOKIE) {
  process.stderr.write("This is the stand-in of a terraform provider. Terraform starts it.\n");
  process.exit(1);
}

const schemaFile = JSON.parse(readFileSync(join(__dirname, "yandex.json"), "utf8"));
const [schema] = Object.values<ProviderSchema>(schemaFile.provider_schemas);
if (!schema) throw new Error("yandex.json holds no provider schema.");

// As real providers do: a terminal's interrupt is terraform's to handle.
process.on("SIGINT", () => {});

const server = new Server({ "grpc.max_receive_message_length": -1 });
server.addService(service("plugin.proto", "tfplugin6", "Provider"), handlers(new Provider(schema)));
server.addService(service("controller.proto", "plugin", "GRPCController"), {
  Shutdown: (_call: unknown, callback: (error: null, response: object) => void) => {
    callback(null, {});
    setImmediate(() => process.exit(0));
  },
});
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`1|6|tcp|127.0.0.1:${port}|grpc\n`);
});

// biome-ignore lint/suspicious/noExplicitAny: the loaded definition is untyped
function service(file: string, packageName: string, name: string): any {
  const definition = loadSync(join(__dirname, file), { keepCase: true, enums: String });
  // biome-ignore lint/suspicious/noExplicitAny: the loaded definition is untyped
  return (loadPackageDefinition(definition) as any)[packageName][name].service;
}

// biome-ignore lint/suspicious/noExplicitAny: one handler for each method of the service
function handlers(provider: Provider): any {
  return Object.fromEntries(
    Object.entries(provider.methods()).map(([name, handler]) => [name, unary(handler as Handler)]),
  );
}

function unary(handler: Handler) {
  return (call: { request: never }, callback: (error: Error | null, response?: object) => void) => {
    try {
      callback(null, handler(call.request));
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
    }
  };
}
