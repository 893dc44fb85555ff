import { afterEach, beforeEach } from "vitest";
import { useBrowser } from "./_browser.ts";
import { BUSY, PageServer } from "./_page-server.ts";

/**
 * For the tests of a file: a server for each, which `use` is given, and a browser. Pages are closed before
 * their server, which they would miss.
 */
export function usePageServer(use: (server: PageServer) => void): ReturnType<typeof useBrowser> {
  let server: PageServer;
  beforeEach(async () => {
    server = await new PageServer().start();
    server.source.answer = BUSY;
    use(server);
  });
  afterEach(() => server.close());
  // Hooks after a test run in the opposite order.
  return useBrowser();
}
