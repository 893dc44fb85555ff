import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadPackageDefinition, Server, ServerCredentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { Provider } from "./provider.ts";
import type { ProviderSchema } from "./schema.ts";

type Handler = (request: never) => object;
type Around = (handle: () => object) => object;

/** A provider that listens. */
export interface Served {
  /** The line by which terraform finds it. */
  readonly handshake: string;
  close(): void;
}

const schemaFile = JSON.parse(readFileSync(join(__dirname, "yandex.json"), "utf8"));
const [schema] = Object.values<ProviderSchema>(schemaFile.provider_schemas);
const PROVIDER = service("plugin.proto", "tfplugin6", "Provider");
PROVIDER.GetProviderSchema.responseSerialize = once(PROVIDER.GetProviderSchema.responseSerialize);
const CONTROLLER = service("controller.proto", "plugin", "GRPCController");

/**
 * Listens with a provider of its own.
 *
 * @param options `onShutdown` is called when terraform has done with it; `around` calls each handler
 */
export function serve({
  onShutdown,
  around = (handle) => handle(),
}: {
  readonly onShutdown: () => void;
  readonly around?: Around;
}): Promise<Served> {
  if (!schema) throw new Error("yandex.json holds no provider schema.");
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  server.addService(PROVIDER, handlers(new Provider(schema), around));
  server.addService(CONTROLLER, {
    Shutdown: (_call: unknown, callback: (error: null, response: object) => void) => {
      callback(null, {});
      setImmediate(onShutdown);
    },
  });
  return new Promise((done, failed) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error) return failed(error);
      done({ handshake: `1|6|tcp|127.0.0.1:${port}|grpc`, close: () => server.forceShutdown() });
    });
  });
}

// The schema is the largest answer, always the same, and each command of terraform asks for it.
function once(serialize: (answer: object) => Buffer): (answer: object) => Buffer {
  let bytes: Buffer | undefined;
  return (answer) => {
    bytes ??= serialize(answer);
    return bytes;
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the loaded definition is untyped
function service(file: string, packageName: string, name: string): any {
  const definition = loadSync(join(__dirname, file), { keepCase: true, enums: String });
  // biome-ignore lint/suspicious/noExplicitAny: the loaded definition is untyped
  return (loadPackageDefinition(definition) as any)[packageName][name].service;
}

// biome-ignore lint/suspicious/noExplicitAny: one handler for each method of the service
function handlers(provider: Provider, around: Around): any {
  return Object.fromEntries(
    Object.entries(provider.methods()).map(([name, handler]) => [
      name,
      unary(handler as Handler, around),
    ]),
  );
}

function unary(handler: Handler, around: Around) {
  return (call: { request: never }, callback: (error: Error | null, response?: object) => void) => {
    try {
      callback(
        null,
        around(() => handler(call.request)),
      );
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
    }
  };
}
