// A bucket as a process of its own, for clients in other languages and for crashes:
// node run.mjs test/local-cloud/clients/serve-storage.ts <bucket> [folder to keep files in]

import { startStorage } from "../../../packages/local-cloud/storage/server.ts";

const [bucket = "", directory] = process.argv.slice(2);
const report = () => undefined;
const { url, close } = await startStorage({
  ...{ bucket, directory, port: 0, report },
  keys: { test: "test" },
});
process.once("SIGTERM", () => close().finally(() => process.exit()));
console.log(url);
