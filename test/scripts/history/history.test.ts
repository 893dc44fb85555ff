import { describe, expect, test } from "vitest";
import {
  foldRevisions,
  formatDeployment,
  type Revision,
} from "../../../scripts/lib/history/history.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const REPOSITORY = "cr.yandex/crp1/app";

function revision(role: string, letter: string, minute: number, active = false): Revision {
  const image = `${REPOSITORY}@${digest(letter)}`;
  return { role, image, digest: digest(letter), at: minute * 60_000, active };
}

const IMAGES = [
  { id: "1", digest: digest("a"), tags: ["x", "commit-0123456789ab-x"] },
  { id: "2", digest: digest("b"), tags: ["y"] },
];

describe("foldRevisions", () => {
  test("tells what ran one after the other, in whatever order the revisions come", () => {
    const revisions = [
      revision("web", "a", 1),
      revision("worker", "a", 2),
      revision("web", "a", 5),
      revision("web", "b", 10),
      revision("worker", "b", 11),
      revision("web", "a", 20, true),
      revision("worker", "a", 21, true),
    ];
    const one = { image: `${REPOSITORY}@${digest("a")}`, digest: digest("a"), kept: true };
    const expected = [
      { ...one, at: 1_200_000, revisions: 2, runs: ["web", "worker"], commit: "0123456789ab" },
      {
        ...{ image: `${REPOSITORY}@${digest("b")}`, digest: digest("b"), at: 600_000 },
        ...{ revisions: 2, runs: [], commit: undefined, kept: true },
      },
      { ...one, at: 60_000, revisions: 3, runs: [], commit: "0123456789ab" },
    ];

    expect(foldRevisions(revisions, IMAGES)).toEqual(expected);
    expect(foldRevisions(revisions.toReversed(), IMAGES)).toEqual(expected);
  });

  test("says that the registry has lost an image", () => {
    expect(foldRevisions([revision("web", "c", 1)], IMAGES)).toMatchObject([
      { kept: false, commit: undefined },
    ]);
  });

  test("names an image by its digest although its revision was made by a tag", () => {
    const tagged = { ...revision("web", "a", 1), image: `${REPOSITORY}:latest` };

    expect(foldRevisions([tagged], IMAGES)[0]?.image).toBe(`${REPOSITORY}@${digest("a")}`);
  });

  test("is empty where nothing has run", () => {
    expect(foldRevisions([], IMAGES)).toEqual([]);
  });
});

describe("formatDeployment", () => {
  const at = new Date(2026, 10, 28, 9, 5).getTime();
  const one = { image: "", digest: digest("a"), at, revisions: 1, kept: true };

  test.each([
    [
      { ...one, commit: "0123456789ab", runs: ["web", "worker"] },
      "2026-11-28 09:05  sha256:aaaaaaaaaaaa  commit 0123456789ab        runs in web, worker",
    ],
    [{ ...one, runs: [] }, "2026-11-28 09:05  sha256:aaaaaaaaaaaa  no commit known"],
    [
      { ...one, runs: [], kept: false },
      "2026-11-28 09:05  sha256:aaaaaaaaaaaa  no commit known            no longer in the registry",
    ],
  ])("%#", (deployment, line) => {
    expect(formatDeployment(deployment)).toBe(line);
  });
});
