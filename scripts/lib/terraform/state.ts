import * as v from "valibot";

const outputsSchema = v.record(
  v.string(),
  v.object({ value: v.unknown(), sensitive: v.optional(v.boolean()) }),
);

/** The outputs that are not sensitive, from `terraform output -json`. */
export function parseOutputs(text: string): Record<string, unknown> {
  const outputs = v.parse(outputsSchema, JSON.parse(text));
  const shown = Object.entries(outputs).filter(([, output]) => output.sensitive !== true);
  return Object.fromEntries(shown.map(([name, { value }]) => [name, value]));
}

/** One instance of a resource in the state. */
export interface StateResource {
  readonly address: string;
  readonly type: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const stateSchema = v.object({
  resources: v.optional(
    v.array(
      v.object({
        mode: v.string(),
        type: v.string(),
        name: v.string(),
        instances: v.array(v.object({ attributes: v.record(v.string(), v.unknown()) })),
      }),
    ),
    [],
  ),
});

/** The managed resources of a state; none when there is no state yet. */
export function parseState(text: string): StateResource[] {
  if (text.trim() === "") return [];
  const { resources } = v.parse(stateSchema, JSON.parse(text));
  return resources
    .filter(({ mode }) => mode === "managed")
    .flatMap(({ type, name, instances }) =>
      instances.map(({ attributes }) => ({ address: `${type}.${name}`, type, attributes })),
    );
}

/** One resource of a synthesized stack. */
export interface ConfiguredResource {
  readonly address: string;
  readonly type: string;
  /** As they are written, references included. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

const stackSchema = v.object({
  resource: v.optional(
    v.record(v.string(), v.record(v.string(), v.record(v.string(), v.unknown()))),
    {},
  ),
});

/** The resources in a `cdk.tf.json`. */
export function parseConfiguration(text: string): ConfiguredResource[] {
  const { resource } = v.parse(stackSchema, JSON.parse(text));
  return Object.entries(resource).flatMap(([type, named]) =>
    Object.entries(named).map(([name, attributes]) => ({
      ...{ address: `${type}.${name}`, type, attributes },
    })),
  );
}
