import { describe, expect, test } from "vitest";
import type { Deployment } from "../../../scripts/lib/history/history.ts";
import {
  chooseImage,
  confirmRollback,
  describeRollback,
} from "../../../scripts/lib/history/rollback.ts";
import { settings } from "../_settings.ts";
import { fakeSystem } from "../_system.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

function ran(letter: string, runs: string[] = [], more: Partial<Deployment> = {}): Deployment {
  const image = `cr.yandex/crp1/app@${digest(letter)}`;
  return { image, digest: digest(letter), at: 0, revisions: 1, runs, kept: true, ...more };
}

const ALL = ["web", "worker", "manage"];

describe("chooseImage", () => {
  test("takes the image that ran before", () => {
    expect(chooseImage([ran("c", ALL), ran("b"), ran("a")], undefined)).toEqual(ran("b"));
  });

  test("goes further back the next time, not forth", () => {
    const history = [ran("b", ALL), ran("c"), ran("b"), ran("a")];

    expect(chooseImage(history, undefined)).toEqual(ran("a"));
  });

  test("knows that a release which failed has left the new image in its container alone", () => {
    const history = [ran("c", ["manage"]), ran("b", ["web", "worker"]), ran("a")];

    expect(chooseImage(history, undefined)).toEqual(ran("a"));
  });

  test.each([
    ["a digest", digest("b")],
    ["the beginning of one", "sha256:bbbb"],
    ["without its kind", "bbbb"],
    ["a whole image", `cr.yandex/crp1/app@${digest("b")}`],
    ["a commit", "0123456789ab"],
    ["the beginning of a commit", "0123456"],
  ])("takes the one that is named by %s", (_, named) => {
    const wanted = ran("b", [], { commit: "0123456789ab" });

    expect(chooseImage([ran("c", ALL), wanted, ran("a")], named)).toEqual(wanted);
  });

  test.each<[string, Deployment[], string | undefined, string]>([
    ["only one has run", [ran("a", ALL)], undefined, "Nothing ran before the image that runs now."],
    ["nothing runs", [], undefined, "Nothing ran before the image that runs now."],
    [
      "containers run different ones",
      [ran("c", ["web"]), ran("b", ["worker"])],
      undefined,
      "Containers run different images (sha256:cccccccccccc and sha256:bbbbbbbbbbbb), as after a deploy that was interrupted. Name the one to run: `npm run rollback -- sha256:cccccccccccc`.",
    ],
    [
      "the name is unknown",
      [ran("c", ALL), ran("b")],
      "beef",
      '"beef" names no image that has run in this stage. `npm run history` lists them.',
    ],
    [
      "the name is short",
      [ran("c", ALL), ran("b")],
      "sha256:",
      '"sha256:" names several images: sha256:cccccccccccc, sha256:bbbbbbbbbbbb. Write more of it.',
    ],
    [
      "the registry has deleted it",
      [ran("c", ALL), ran("b", [], { kept: false })],
      undefined,
      "The registry no longer has sha256:bbbbbbbbbbbb. 'keepNewest' in config.ts says how many images it keeps.",
    ],
  ])("refuses when %s", (_, history, named, message) => {
    expect(() => chooseImage(history, named)).toThrow(message);
  });
});

describe("confirmRollback", () => {
  test("goes on after yes", async () => {
    await confirmRollback(fakeSystem({ interactive: true, answer: "yes " }), ran("b"));
  });

  test.each([
    [
      "there is no terminal",
      {},
      "No terminal to ask for confirmation. Name the image, `npm run rollback -- sha256:bbbbbbbbbbbb`, or add --yes.",
    ],
    ["somebody says something else", { interactive: true, answer: "y" }, "Nothing was changed."],
  ])("changes nothing when %s", async (_, options, message) => {
    await expect(confirmRollback(fakeSystem(options), ran("b"))).rejects.toThrow(message);
  });
});

test("says that migrations stay, where there are any", () => {
  const settingsWith = settings({ postgres: {} });

  expect(describeRollback(ran("b"), settingsWith)).toContainEqual(
    "The database stays as it is: no migration is undone, and this image's code meets today's tables. `manage.py migrate --noinput` runs with it.",
  );
  expect(describeRollback(ran("b"), settings()).join()).not.toContain("migration");
});
