import { expect, test } from "vitest";
import { findCause } from "../../../packages/local-cloud/containers/_crash-cause.ts";

const ROOTS = ["/home/ann/shop"];
const FRAMES = `Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/gunicorn/arbiter.py", line 609, in spawn_worker
    worker.init_process()
  File "/home/ann/shop/shop/settings.py", line 12, in <module>
    DSN = os.environ["SENTRY_DSN"]
          ~~~~~~~~~~^^^^^^^^^^^^^^
  File "<frozen os>", line 679, in __getitem__`;

const causeOf = (text: string) => findCause(text.split("\n"), ROOTS);

test.each([
  [`${FRAMES}\nKeyError: 'SENTRY_DSN'\n[ERROR] Worker (pid:9) exited with code 3`],
  [
    `[2026-11-28 10:00:00 +0000] [9] [ERROR] Exception in worker process\n${FRAMES}\nKeyError: 'SENTRY_DSN'`,
  ],
  // By each process of a server.
  [`${FRAMES}\nKeyError: 'SENTRY_DSN'\nx\n${FRAMES}\nKeyError: 'SENTRY_DSN'`],
  [
    JSON.stringify({
      level: "ERROR",
      message: "Exception in worker process",
      exception: `${FRAMES}\nKeyError: 'SENTRY_DSN'`,
    }),
  ],
])("is the exception, and where the project raised it: %j", (text) => {
  expect(causeOf(text)).toBe("KeyError: 'SENTRY_DSN'  shop/settings.py:12");
});

test.each([
  "During handling of the above exception, another exception occurred:",
  "The above exception was the direct cause of the following exception:",
])("is what it led to in the end, and where it began: %s", (between) => {
  const last =
    'Traceback (most recent call last):\n  File "/venv/lib/python3.11/site-packages/x.py", line 1, in y\ndjango.core.exceptions.ImproperlyConfigured: no\nsecond line';

  expect(causeOf(`${FRAMES}\nKeyError: 'X'\n\n${between}\n\n${last}`)).toBe(
    "ImproperlyConfigured: no  shop/settings.py:12",
  );
});

test("is the first of several that have nothing to do with each other", () => {
  expect(causeOf(`${FRAMES}\nKeyError: 'X'\nbye\n${FRAMES}\nSystemExit: 1`)).toMatch(/^KeyError/);
});

test("names no place where none is the project's", () => {
  const text = FRAMES.replace("/home/ann/shop/", "/home/ann/shop/.venv/lib/");
  expect(causeOf(`${text}\nKeyError: 'X'`)).toBe("KeyError: 'X'");
});

test("is a line that cannot be parsed", () => {
  const text = `Traceback (most recent call last):\n  File "/home/ann/shop/shop/urls.py", line 3\n    path(\n        ^\nSyntaxError: '(' was never closed`;
  expect(causeOf(text)).toBe("SyntaxError: '(' was never closed  shop/urls.py:3");
});

test.each(["sh: 3: gunicorn: not found", "", "Traceback (most recent call last):\n  File"])(
  "is unknown where no exception was printed: %j",
  (text) => {
    expect(causeOf(text)).toBeUndefined();
  },
);
