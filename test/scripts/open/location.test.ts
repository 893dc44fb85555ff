import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { locate } from "../../../scripts/lib/open/location.ts";

const folder = mkdtempSync(join(tmpdir(), "sources-"));
mkdirSync(join(folder, "jobs"));
writeFileSync(join(folder, "jobs", "tasks.py"), "");

const frame = (file: string, line: number) => `  File "${file}", line ${line}, in f\n    call()`;

test.each([
  [[frame("/app/jobs/tasks.py", 77)], "jobs/tasks.py:77"],
  [[frame("/srv/site/src/jobs/tasks.py", 7)], "jobs/tasks.py:7"],
  [[frame("jobs/tasks.py", 7)], "jobs/tasks.py:7"],
  [[frame("/app/jobs/tasks.py", 1), frame("/app/jobs/tasks.py", 9)], "jobs/tasks.py:9"],
  [
    [
      frame("/app/jobs/tasks.py", 5),
      frame("/usr/lib/python3.12/site-packages/jobs/tasks.py", 12),
      frame("/usr/lib/python3.12/json/tasks.py", 13),
    ],
    "jobs/tasks.py:5",
  ],
  [[frame("/elsewhere/other.py", 3)], undefined],
  [["ValueError: no frame"], undefined],
])("%j was raised at %s", (frames, place) => {
  expect(locate(`Traceback (most recent call last):\n${frames.join("\n")}`, folder)).toBe(place);
});
