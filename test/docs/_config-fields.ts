import { join } from "node:path";
import ts from "typescript-api";
import { ROOT } from "../support/sources.ts";

/** A field of `config.ts`, as its type and comment describe it. */
export interface ConfigField {
  /** Where it stands, e.g. `web.memoryMib`. */
  readonly name: string;
  /** Its comment; empty where it has none. */
  readonly text: string;
  readonly type: string;
  /** The text of `@default`, if there is one. */
  readonly fallback?: string;
  readonly optional: boolean;
  /** Identifies the declaration: `web.cores` and `worker.cores` have one. */
  readonly declaration: ts.Symbol;
}

/** Every field of type `Config`, in the order in which they are declared; not those of `stages`. */
export function configFields(): ConfigField[] {
  const file = join(ROOT, "stacks", "config-schema.ts");
  const program = ts.createProgram([file], {
    strict: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const config = module && checker.getExportsOfModule(module).find((it) => it.name === "Config");
  if (!config) throw new Error(`${file} exports no type Config`);
  return fieldsOf(checker, checker.getDeclaredTypeOfSymbol(config), "");
}

function fieldsOf(checker: ts.TypeChecker, type: ts.Type, prefix: string): ConfigField[] {
  const objects = (type.isUnion() ? type.types : [type]).filter((it) => isObject(checker, it));
  const symbols = objects.flatMap((it) => checker.getPropertiesOfType(it));
  return [...new Map(symbols.map((it) => [it.name, it])).values()].flatMap((symbol) => {
    const name = `${prefix}${symbol.name}`;
    const variants = symbols.filter((it) => it.name === symbol.name);
    const own = describe(checker, variants, name);
    const inner = checker.getNonNullableType(checker.getTypeOfSymbol(symbol));
    const below = name === "stages" ? [] : fieldsOf(checker, inner, `${name}.`);
    const values = inner.getStringIndexType();
    const entries = values && name !== "stages" ? fieldsOf(checker, values, `${name}.<name>.`) : [];
    return [own, ...below, ...entries];
  });
}

function isObject(checker: ts.TypeChecker, type: ts.Type): boolean {
  if ((type.flags & ts.TypeFlags.Object) === 0) return false;
  return !checker.isArrayLikeType(type) && type.getStringIndexType() === undefined;
}

// In a union, one field has a declaration in each variant.
function describe(
  checker: ts.TypeChecker,
  variants: readonly ts.Symbol[],
  name: string,
): ConfigField {
  const [symbol] = variants;
  if (!symbol) throw new Error(`${name} has no declaration`);
  const [fallback] = symbol.getJsDocTags(checker).filter((tag) => tag.name === "default");
  const types = variants.map((it) => checker.getNonNullableType(checker.getTypeOfSymbol(it)));
  return {
    name,
    text: oneLine(ts.displayPartsToString(symbol.getDocumentationComment(checker))),
    type: [...new Set(types.map((it) => checker.typeToString(it)))].join(" | "),
    fallback: fallback && oneLine(ts.displayPartsToString(fallback.text)),
    optional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
    declaration: symbol,
  };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
