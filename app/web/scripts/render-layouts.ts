/** How the accounts of the program lie in bytes, from its interface description. */
import type { Fields, Layout } from "../src/data/layout.ts";

interface Described {
  readonly accounts: ReadonlyArray<{ readonly name: string }>;
  readonly types: ReadonlyArray<{ readonly name: string; readonly type: TypeDefinition }>;
}

type TypeDefinition =
  | { readonly kind: "struct"; readonly fields?: readonly Field[] }
  | {
      readonly kind: "enum";
      readonly variants: ReadonlyArray<{ readonly name: string; readonly fields?: readonly Field[] }>;
    };

/** Without a name, a field is known by its place. */
type Field = NamedField | TypeReference;

interface NamedField {
  readonly name: string;
  readonly type: TypeReference;
}

type TypeReference =
  | string
  | { readonly defined: { readonly name: string } }
  | { readonly array: readonly [TypeReference, number] }
  | { readonly vec: TypeReference }
  | { readonly option: TypeReference };

/** The text of the module. */
export function renderLayouts(description: Described): string {
  const types = new Map(description.types.map(({ name, type }) => [name, type]));
  const layouts = Object.fromEntries(
    description.accounts.map(({ name }) => [name, layoutOf({ defined: { name } }, types)] as const),
  );
  return [
    "/** How accounts lie in bytes. Generated from the interface description by `npm run layouts`: do not edit. */",
    'import type { Layout } from "../layout.ts";',
    "",
    "/** By the names of the accounts. */",
    `export const LAYOUTS: Readonly<Record<string, Layout>> = ${JSON.stringify(layouts, null, 1)};`,
    "",
  ].join("\n");
}

/** Names that the generated client changes, because the language has types of these names. */
const RENAMED: Readonly<Record<string, string>> = { Parameters: "NetworkParameters" };

const BASIC: ReadonlySet<string> = new Set(["bool", "u8", "u16", "u32", "u64", "u128", "pubkey", "string"]);

function layoutOf(type: TypeReference, types: ReadonlyMap<string, TypeDefinition>): Layout {
  if (typeof type === "string") {
    if (!BASIC.has(type)) throw new Error(`No account held a ${type} so far: teach layout.ts to read it`);
    return type as Layout;
  }
  if ("vec" in type) return { vec: layoutOf(type.vec, types) };
  if ("option" in type) return { option: layoutOf(type.option, types) };
  if ("array" in type) {
    const [item, length] = type.array;
    return item === "u8" ? { bytes: length } : { array: layoutOf(item, types), length };
  }
  const definition = types.get(type.defined.name);
  if (definition === undefined) throw new Error(`${type.defined.name} is not described`);
  if (definition.kind === "struct") return fieldsOf(definition.fields, types);
  const plain = definition.variants.every(({ fields }) => fields === undefined);
  if (plain) return { enum: definition.variants.length };
  return {
    union: definition.variants.map(({ name, fields }) => [RENAMED[name] ?? name, fieldsOf(fields, types)] as const),
  };
}

function fieldsOf(fields: readonly Field[] = [], types: ReadonlyMap<string, TypeDefinition>): Fields {
  const named = fields.filter(isNamed);
  if (named.length < fields.length) {
    return { tuple: fields.map((field) => layoutOf(isNamed(field) ? field.type : field, types)) };
  }
  return { struct: named.map(({ name, type }) => [camelCase(name), layoutOf(type, types)] as const) };
}

function isNamed(field: Field): field is NamedField {
  return typeof field === "object" && "name" in field;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
