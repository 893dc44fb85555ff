import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const HOUR_MS = 3_600_000;
const MONTH_MS = 720 * HOUR_MS;
const CPU = "serverless.containers.compute.cpu";

interface Line {
  readonly meter?: string;
  readonly quantity: number | null;
  readonly roubles: number | null;
  readonly price: { readonly source: string; readonly date: string } | null;
  readonly total?: number;
  readonly notes: readonly string[];
}

describeTerraform("what a deployed stage costs", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject();
    expect((await project.npm("deploy")).code).toBe(0);
    project.change((cloud) => {
      const [id = ""] = Object.entries(cloud.containers).flatMap(([id, { name }]) =>
        name === "shop-worker" ? [id] : [],
      );
      const now = Date.now();
      const start = Date.UTC(new Date(now).getUTCFullYear(), new Date(now).getUTCMonth(), 1);
      const minutes = Array.from({ length: 60 }, (_, minute) => now - 1000 - minute * 60_000);
      const points = minutes.filter((at) => at >= start).reverse();
      const labels = { service: "serverless-containers", container: id, revision: "r1" };
      cloud.metrics = [
        {
          ...{ name: "serverless.containers.started_per_second", labels },
          points: points.map((at) => [at, 2] as const),
        },
        {
          ...{ name: "serverless.containers.started_per_second" },
          labels: { ...labels, container: "another" },
          points: points.map((at) => [at, 100] as const),
        },
      ];
      cloud.skus = Array.from({ length: 1500 }, (_, index) => ({
        ...{ id: `dn2${index}`, name: index === 1400 ? CPU : `other.${index}`, service_id: "dn2s" },
        ...{ pricing_unit: "core*hour", pricing_versions: [version] },
      }));
    });
  });
  afterAll(() => project.close());

  const version = {
    ...{ type: "STREET_PRICE", effective_time: "2026-05-01T00:00:00Z" },
    pricing_expressions: [
      {
        rates: [
          { start_pricing_quantity: "0", unit_price: "0", currency: "RUB" },
          { start_pricing_quantity: "5", unit_price: "6", currency: "RUB" },
        ],
      },
    ],
  };

  async function costs(args: readonly string[] = []) {
    const { code, stdout, stderr } = await project.npm("costs", ["--json", ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const notes = lines.at(-1)?.notes.join("\n") ?? "";
    return { lines, notes, of: (meter: string) => lines.find((line) => line.meter === meter) };
  }

  test("is measured in its own metrics, and paid by the list of prices where that has it", async () => {
    const { of, notes } = await costs();
    const start = Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth(), 1);
    const share = MONTH_MS / (Date.now() - start);

    // An hour or two of 2 a second, each of which is counted whole.
    const calls = (of("calls")?.quantity ?? 0) * 1_000_000;
    expect(calls / share).toBeGreaterThan(0);
    expect(calls / share).toBeLessThanOrEqual(2 * 2 * 3600);
    expect(of("cpu")?.quantity).toBeCloseTo((calls * 0.1) / 3600, 6);
    expect(of("cpu")?.price).toMatchObject({ date: "2026-05-01" });
    expect(of("cpu")?.price?.source).toContain(`SKU ${CPU}`);
    expect(of("memory")?.price).toMatchObject({ date: "2026-10-06" });
    expect(of("images")?.quantity).toBeCloseTo(720 / 1024);
    expect(notes).toContain("extrapolated to a month of 30 days");
    expect(notes).toContain("No metric, counted as nothing: calls of web, time of web");
  });

  test("is what is expected, and nothing is measured then", async () => {
    const { of, notes } = await costs(["--tasks", "36000", "--seconds", "1"]);

    expect(of("cpu")).toMatchObject({ quantity: 10, roubles: 30 });
    expect(notes).toContain("as given by flags");
  });

  test("is told as far as it is known to somebody without rights", async () => {
    project.change(({ faults }) => {
      faults.denied = ["billing", "monitoring"];
    });

    const { of, notes } = await costs();

    expect(of("cpu")?.price).toMatchObject({ date: "2026-10-06" });
    expect(notes).toContain("Metrics: monitoring answered 403: Permission denied");
    expect(notes).toContain("List of prices: billing answered 403: Permission denied");
    expect(notes).toContain("Traffic: none but the timers'");
  });
});
