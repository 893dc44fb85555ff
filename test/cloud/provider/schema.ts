import { type Attributes, elements, isObject, isUnknown } from "./values.ts";

/** What `terraform providers schema -json` prints, as far as the stand-in looks at it. */
export interface Attribute {
  readonly type?: unknown;
  /** In place of a type, in the newer half. */
  readonly nested_type?: {
    readonly nesting_mode: "single" | "list" | "set" | "map";
    readonly attributes: Readonly<Record<string, Attribute>>;
  };
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
  readonly deprecated?: boolean;
}

export interface NestedBlock {
  readonly nesting_mode: "single" | "list" | "set";
  readonly min_items?: number;
  readonly max_items?: number;
  readonly block: Block;
}

export interface Block {
  readonly attributes?: Record<string, Attribute>;
  readonly block_types?: Record<string, NestedBlock>;
}

export interface Schema {
  readonly version: number;
  readonly block: Block;
}

export interface ProviderSchema {
  readonly provider: Schema;
  readonly resource_schemas: Record<string, Schema>;
  readonly data_source_schemas: Record<string, Schema>;
}

/** The attributes that the schema knows, in full: what is missing becomes null or an empty list. */
export function conform(block: Block, value: Attributes): Attributes {
  const attributes = conformAttributes(block.attributes, value);
  const blocks = Object.entries(block.block_types ?? {}).map(
    ([name, nested]) => [name, conformNested(nested, value[name])] as const,
  );
  return { ...attributes, ...Object.fromEntries(blocks) };
}

function conformAttributes(
  attributes: Readonly<Record<string, Attribute>> = {},
  value: Attributes,
): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { nested_type: nested }]) => {
      const own = value[name] ?? null;
      if (!nested) return [name, own];
      if (isObject(own)) return [name, conformAttributes(nested.attributes, own)];
      if (!Array.isArray(own)) return [name, own];
      return [name, elements(own).map((item) => conformAttributes(nested.attributes, item))];
    }),
  );
}

/** Whether a top-level attribute or block has no order. */
export function isSet(block: Block, name: string): boolean {
  const nested = block.block_types?.[name];
  if (nested) return nested.nesting_mode === "set";
  const type = block.attributes?.[name]?.type;
  return Array.isArray(type) && type[0] === "set";
}

/** The empty value of an attribute's type, as a protocol message reads when nothing was set. */
export function zero(type: unknown): unknown {
  const kind = Array.isArray(type) ? type[0] : type;
  if (kind === "string") return "";
  if (kind === "bool") return false;
  if (kind === "number") return 0;
  return kind === "map" ? {} : [];
}

export function keys(record: object | undefined): string[] {
  return Object.keys(record ?? {});
}

function conformNested(nested: NestedBlock, value: unknown): unknown {
  if (isUnknown(value)) return value;
  if (nested.nesting_mode === "single")
    return isObject(value) ? conform(nested.block, value) : null;
  return elements(value).map((item) => conform(nested.block, item));
}
