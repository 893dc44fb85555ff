/** Outputs as indented lines, the address first. */
export function formatOutputs({ url, ...others }: Readonly<Record<string, unknown>>): string[] {
  const entries = Object.entries({ ...(url !== undefined && { url }), ...others });
  if (entries.length === 0) return ["Nothing is deployed in this stage."];
  return entries.flatMap(([name, value]) => formatEntry(name, value, ""));
}

function formatEntry(name: string, value: unknown, indent: string): string[] {
  if (typeof value !== "object" || value === null) return [`${indent}${name}: ${value ?? "-"}`];
  const inner = Object.entries(value).flatMap(([key, entry]) =>
    formatEntry(Array.isArray(value) ? String(Number(key) + 1) : key, entry, `${indent}  `),
  );
  return inner.length === 0 ? [`${indent}${name}: -`] : [`${indent}${name}:`, ...inner];
}
