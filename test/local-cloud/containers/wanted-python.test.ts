import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  findWantedPython,
  namesOfPythons,
  suits,
} from "../../../packages/local-cloud/containers/_wanted-python.ts";

const find = (files: Readonly<Record<string, string>>) => {
  const root = mkdtempSync(join(tmpdir(), "wanted-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  return findWantedPython(root, "Dockerfile");
};

test.each([
  ["FROM python:3.13-slim", 13],
  ["FROM --platform=linux/amd64 docker.io/library/python:3.12 AS base", 12],
  ["FROM node:22 AS assets\nFROM python:3.11-alpine\n", 11],
  ["ARG PYTHON_VERSION=3.14-slim\nFROM python:${PYTHON_VERSION}\n", 14],
  ["ARG V\nFROM python:${V:-3.10}-slim", 10],
  ["FROM ghcr.io/astral-sh/uv:python3.13-bookworm-slim", 13],
])("%j wants 3.%d", (Dockerfile, minor) => {
  expect(find({ Dockerfile, ".python-version": "3.9\n" })).toEqual({
    ...{ minor, orNewer: false, by: "FROM in Dockerfile" },
  });
});

test.each([
  ["3.12.4\n", 12],
  ["# pinned\n3.13\n", 13],
  ["cpython-3.11\n", undefined],
])(".python-version %j wants 3.%s", (text, minor) => {
  const wanted = find({ ".python-version": text, Dockerfile: "FROM ubuntu\n" });
  expect(wanted?.minor).toBe(minor);
});

test.each([
  [">=3.12", 12, true],
  [">= 3.11, <4", 11, true],
  ["~=3.13", 13, true],
  ["==3.12.*", 12, false],
])("requires-python %j wants 3.%d, or newer: %s", (text, minor, orNewer) => {
  const wanted = find({ "pyproject.toml": `[project]\nrequires-python = "${text}"\n` });
  expect(wanted).toEqual({ minor, orNewer, by: "requires-python" });
});

test("a project that says nothing takes any", () => {
  expect(find({})).toBeUndefined();
  expect(suits("3.10.1", undefined)).toBe(true);
});

test("an exact wish is tried first, a lower bound only where the usual one is too old", () => {
  const exact = { minor: 13, orNewer: false, by: "" };
  const bound = { ...exact, orNewer: true };
  expect(namesOfPythons(exact)).toEqual(["python3.13", "python3", "python"]);
  expect(namesOfPythons(bound).slice(0, 3)).toEqual(["python3", "python", "python3.13"]);
  expect([suits("3.14.0", exact), suits("3.13.0 (x)", exact)]).toEqual([false, true]);
  expect([suits("3.14.0", bound), suits("3.9.1", bound)]).toEqual([true, false]);
});

test("where the image's own is not installed, what the project requires does", () => {
  const Dockerfile = "FROM python:3.14-slim\n";
  const wanted = find({ Dockerfile, "pyproject.toml": 'requires-python = ">=3.12"\n' });

  expect(wanted).toEqual({
    ...{ minor: 14, orNewer: false, by: "FROM in Dockerfile" },
    otherwise: { minor: 12, orNewer: true, by: "requires-python" },
  });
  expect(namesOfPythons(wanted).slice(0, 4)).toEqual([
    "python3.14",
    "python3",
    "python",
    "python3.12",
  ]);
});
