import { decode, ExtensionCodec, encode } from "@msgpack/msgpack";
import { type Attribute, type Block, conform, type ProviderSchema, type Schema } from "./schema.ts";
import { type Attributes, UNKNOWN, Unknown } from "./values.ts";

/** A value on the wire: MessagePack, or JSON from a state file. */
export interface DynamicValue {
  readonly msgpack?: Uint8Array;
  readonly json?: Uint8Array;
}

export interface Diagnostic {
  readonly severity: "ERROR" | "WARNING";
  readonly summary: string;
  readonly detail?: string;
}

export function unpack(value: DynamicValue | null | undefined): Attributes | null {
  if (value?.msgpack?.length) {
    return decode(value.msgpack, { extensionCodec: codec }) as Attributes | null;
  }
  return value?.json?.length ? JSON.parse(Buffer.from(value.json).toString("utf8")) : null;
}

export function pack(block: Block, value: Attributes | null): DynamicValue {
  const whole = value === null ? null : conform(block, value);
  return { msgpack: Buffer.from(encode(whole, { extensionCodec: codec })) };
}

export function errors(messages: string[]): Diagnostic[] {
  return messages.map((summary) => ({ severity: "ERROR", summary }));
}

export function warnings(messages: string[]): Diagnostic[] {
  return messages.map((summary) => ({ severity: "WARNING", summary }));
}

/** The path of a top-level attribute. */
export function attributePath(name: string): object {
  return { steps: [{ attribute_name: name }] };
}

/** The schema file in the form of the protocol. */
export function schemaResponse(schema: ProviderSchema): object {
  return {
    provider: schemaMessage(schema.provider),
    resource_schemas: mapValues(schema.resource_schemas, schemaMessage),
    data_source_schemas: mapValues(schema.data_source_schemas, schemaMessage),
    server_capabilities: { get_provider_schema_optional: true },
  };
}

// Terraform marks a value that is only known after apply as extension 0, or 12 when it knows some
// of its properties.
const codec = new ExtensionCodec();
codec.register({
  type: 0,
  encode: (value) => (value instanceof Unknown ? new Uint8Array([0]) : null),
  decode: () => UNKNOWN,
});
codec.register({ type: 12, encode: () => null, decode: () => UNKNOWN });

function schemaMessage(schema: Schema): object {
  return { version: schema.version, block: blockMessage(schema.block) };
}

function blockMessage(block: Block): object {
  const attributes = attributeMessages(block.attributes);
  const blockTypes = Object.entries(block.block_types ?? {}).map(([name, nested]) => ({
    type_name: name,
    block: blockMessage(nested.block),
    nesting: nested.nesting_mode.toUpperCase(),
    min_items: nested.min_items ?? 0,
    max_items: nested.max_items ?? 0,
  }));
  return { attributes, block_types: blockTypes };
}

function attributeMessages(attributes: Readonly<Record<string, Attribute>> = {}): object[] {
  return Object.entries(attributes).map(([name, { type, nested_type: nested, ...flags }]) => ({
    ...flags,
    name,
    ...(nested
      ? {
          nested_type: {
            attributes: attributeMessages(nested.attributes),
            nesting: nested.nesting_mode.toUpperCase(),
          },
        }
      : { type: Buffer.from(JSON.stringify(type)) }),
  }));
}

function mapValues<T, R>(record: Record<string, T>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
